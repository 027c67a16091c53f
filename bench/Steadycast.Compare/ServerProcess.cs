using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Steadycast.Compare;

/// <summary>A server under load, started for one run and ended by its process id.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const string NginxModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(20);

    private readonly Process process;
    private readonly string? folder;

    private ServerProcess(Process process, int port, string? folder) =>
        (this.process, Port, this.folder) = (process, port, folder);

    public int Port { get; }

    public ProcessFigures Figures => new(process.Id);

    /// <summary>nginx, which sends the files of a folder as it would a packager's: sendfile, no log.</summary>
    public static async Task<ServerProcess> StartFilesAsync(string files)
    {
        int port = FreePort();
        ServerProcess started = StartNginx(port, "", $$"""
            http {
              access_log off;
              sendfile on;
              tcp_nopush on;
              keepalive_requests 1000000;
              open_file_cache max=1000 inactive=20s;
              open_file_cache_valid 1s;
              server { listen 127.0.0.1:{{port}} backlog=4096; location /hls/ { alias {{files}}/; } }
            }
            """);
        await started.AnswersAsync("nginx");
        return started;
    }

    /// <param name="server">
    /// <c>nginx</c>, <c>ours</c>, or <c>merged</c>: ours with a merge window of 350 ms; then, in brackets, environment
    /// variables to try: <c>ours[A=1;B=2]</c>.
    /// </param>
    public static async Task<ServerProcess> StartAsync(string server)
    {
        int port = FreePort();
        string[] parts = server.Split('[', ']');
        ServerProcess started = parts[0] == "nginx"
            ? StartNginxRtmp(port)
            : StartOurs(port, parts[0] == "merged" ? 350 : 0, parts.Length > 1 ? parts[1].Split(';') : []);
        await started.AnswersAsync(server);
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        if (folder is not null)
            Directory.Delete(folder, recursive: true);
    }

    private static ServerProcess StartOurs(int port, int mergeMs, string[] environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["serve", Text(port), Text(mergeMs)]);
        foreach (string[] variable in environment.Select(v => v.Split('=', 2)))
            start.Environment[variable[0]] = variable[1];
        return new ServerProcess(Process.Start(start)!, port, null);
    }

    private static ServerProcess StartNginxRtmp(int port)
    {
        if (!File.Exists(NginxModule))
            throw new InvalidOperationException("nginx-rtmp is missing: apt-get install nginx libnginx-mod-rtmp");
        return StartNginx(port, $"load_module {NginxModule};", $$"""
            rtmp {
              access_log off;
              server {
                listen 127.0.0.1:{{port}};
                chunk_size 4096;
                application live { live on; }
              }
            }
            """);
    }

    private static ServerProcess StartNginx(int port, string modules, string block)
    {
        string home = Directory.CreateTempSubdirectory("steadycast-compare-").FullName;
        string configuration = Path.Combine(home, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            {{modules}}
            daemon off;
            master_process off;
            worker_processes 1;
            pid {{home}}/pid;
            error_log {{home}}/error.log error;
            events { worker_connections 4096; }
            {{block}}
            """);
        string[] arguments = ["-p", home, "-e", Path.Combine(home, "error.log"), "-c", configuration];
        return new ServerProcess(Process.Start(new ProcessStartInfo("/usr/sbin/nginx", arguments))!, port, home);
    }

    private async Task AnswersAsync(string name)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await AnswersAsync(Port))
        {
            if (process.HasExited || TimeProvider.System.GetElapsedTime(began) > StartTime)
                throw new InvalidOperationException($"{name} did not start");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
