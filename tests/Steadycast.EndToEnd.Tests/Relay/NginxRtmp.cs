using System.Diagnostics;
using System.Security.Cryptography;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.EndToEnd.Tests.Relay;

/// <summary>nginx-rtmp as an upstream that writes down what it gets; killed and frozen as a test wants.</summary>
internal sealed class NginxRtmp : IAsyncDisposable
{
    private const string Module = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("steadycast-nginx-rtmp-");
    private Process? _process;

    public NginxRtmp()
    {
        Port = Ports.Free();
        File.WriteAllText(Path.Combine(_folder.FullName, "nginx.conf"), $$"""
            load_module {{Module}};
            daemon off;
            master_process off;
            user root;
            pid {{_folder}}/pid;
            error_log {{_folder}}/error.log error;
            events { worker_connections 256; }
            rtmp {
              access_log off;
              server {
                listen 127.0.0.1:{{Port}};
                application live {
                  live on;
                  record all;
                  record_path {{_folder}};
                  record_suffix -%s.flv;
                  record_append off;
                }
              }
            }
            """);
    }

    public int Port { get; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Assert.True(File.Exists(Module), "install the Debian package libnginx-mod-rtmp");
        _process = Process.Start(new ProcessStartInfo(
            "/usr/sbin/nginx",
            ["-p", _folder.FullName, "-e", Path.Combine(_folder.FullName, "error.log"), "-c",
                Path.Combine(_folder.FullName, "nginx.conf")]))!;
        await Ports.AnswersAsync(Port, cancellationToken);
    }

    /// <summary>Pictures of all recordings, in the order of arrival, each by the hash of its bytes.</summary>
    public IReadOnlyList<Picture> Pictures() =>
        [.. _folder.GetFiles("*.flv").OrderBy(f => f.Name, StringComparer.Ordinal).SelectMany(f => Read(f.FullName))];

    public static IReadOnlyList<Picture> Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var reader = new FlvReader();
        var pictures = new List<Picture>();
        ReadOnlyMemory<byte> input = bytes;
        while (reader.TryRead(ref input, out MediaMessage message))
        {
            if (message.Type == RtmpMessageType.Video
                && VideoTagHeader.TryRead(message.Payload.Span, out VideoTagHeader header) && header.IsCodedFrame)
                pictures.Add(new Picture(Hash(message.Payload.Span), header.IsKeyframe));
        }

        return pictures;
    }

    public Task SignalAsync(string signal, CancellationToken cancellationToken) =>
        ForeignProgram.RunAsync("kill", ["-" + signal, $"{_process!.Id}"], cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    private static string Hash(ReadOnlySpan<byte> payload) => Convert.ToHexStringLower(SHA256.HashData(payload));

    internal sealed record Picture(string Hash, bool IsKeyframe);
}
