using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Steadycast.Compare;

/// <summary>A server under load, started for one run and ended by its process id.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    // USER_HZ, what /proc counts in; 100 on every Linux of the last twenty years.
    private const double TicksPerSecond = 100;
    private const string NginxModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(20);

    private readonly Process process;
    private readonly string? folder;

    private ServerProcess(Process process, int port, string? folder) =>
        (this.process, Port, this.folder) = (process, port, folder);

    public int Port { get; }

    /// <summary>CPU-seconds so far.</summary>
    public (double User, double System) Cpu
    {
        get
        {
            // The second field, the program's name, may hold spaces; the state follows its closing parenthesis.
            string stat = File.ReadAllText($"/proc/{process.Id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (Number(fields[11]) / TicksPerSecond, Number(fields[12]) / TicksPerSecond);
        }
    }

    public double RssMegabytes => Number(File.ReadLines($"/proc/{process.Id}/status")
        .First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024;

    /// <param name="server">
    /// <c>nginx</c>, <c>ours</c>, or <c>merged</c>: ours with a merge window of 350 ms; then, in brackets, environment
    /// variables to try: <c>ours[A=1;B=2]</c>.
    /// </param>
    public static async Task<ServerProcess> StartAsync(string server)
    {
        int port = FreePort();
        string[] parts = server.Split('[', ']');
        ServerProcess started = parts[0] == "nginx"
            ? StartNginx(port)
            : StartOurs(port, parts[0] == "merged" ? 350 : 0, parts.Length > 1 ? parts[1].Split(';') : []);
        long began = TimeProvider.System.GetTimestamp();
        while (!await AnswersAsync(port))
        {
            if (started.process.HasExited || TimeProvider.System.GetElapsedTime(began) > StartTime)
                throw new InvalidOperationException($"{server} did not start");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

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

    private static ServerProcess StartNginx(int port)
    {
        if (!File.Exists(NginxModule))
            throw new InvalidOperationException("nginx-rtmp is missing: apt-get install nginx libnginx-mod-rtmp");
        string home = Directory.CreateTempSubdirectory("steadycast-compare-").FullName;
        string configuration = Path.Combine(home, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            load_module {{NginxModule}};
            daemon off;
            master_process off;
            worker_processes 1;
            pid {{home}}/pid;
            error_log {{home}}/error.log error;
            events { worker_connections 4096; }
            rtmp {
              access_log off;
              server {
                listen 127.0.0.1:{{port}};
                chunk_size 4096;
                application live { live on; }
              }
            }
            """);
        string[] arguments = ["-p", home, "-e", Path.Combine(home, "error.log"), "-c", configuration];
        return new ServerProcess(Process.Start(new ProcessStartInfo("/usr/sbin/nginx", arguments))!, port, home);
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

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
