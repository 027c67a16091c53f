using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;

namespace Steadycast.Compare;

/// <summary>One RTMP client, up to the start of its publish or play.</summary>
internal sealed class Client : IDisposable
{
    private readonly ArrayBufferWriter<byte> output = new();
    private readonly byte[] buffer = new byte[64 * 1024];

    private Client(ClientSessionOptions options) => Session = new ClientSession(options);

    public Socket Socket { get; } =
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public ClientSession Session { get; }

    /// <summary>Whether a keyframe has come; it may come in the same receive as the start of the play.</summary>
    public bool HasKeyframe { get; private set; }

    public static async Task<Client> StartAsync(
        int port, ClientRole role, string name, int? chunkSize, CancellationToken cancellationToken)
    {
        var client = new Client(new ClientSessionOptions
        {
            Role = role,
            App = "live",
            Name = name,
            TcUrl = $"rtmp://127.0.0.1:{port}/live",
            ChunkSize = chunkSize,
        });
        await client.Socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        client.Session.Start(client.output);
        await client.FlushAsync(cancellationToken);
        await client.ReadUntilAsync(e => e.Kind == ClientEventKind.Started, cancellationToken);
        return client;
    }

    /// <summary>Reads on until an event, and what else came in the same receive.</summary>
    public async Task ReadUntilAsync(Func<ClientEvent, bool> isIt, CancellationToken cancellationToken)
    {
        bool found = false;
        while (!found)
        {
            int received = await Socket.ReceiveAsync(buffer, cancellationToken);
            if (received == 0)
                throw new IOException("The server closed the connection.");
            found = Feed(received, isIt);
            await FlushAsync(cancellationToken);
        }
    }

    public void Dispose()
    {
        Socket.Dispose();
        Session.Dispose();
    }

    private bool Feed(int received, Func<ClientEvent, bool> isIt)
    {
        bool found = false;
        ReadOnlySpan<byte> input = buffer.AsSpan(0, received);
        while (Session.TryRead(ref input, output, out ClientEvent e))
        {
            if (e.Kind == ClientEventKind.Refused)
                throw new IOException($"The server refused: {e.Status}");
            HasKeyframe |= e.Kind == ClientEventKind.Media && IsKeyframe(e.Media);
            found |= isIt(e);
        }

        return found;
    }

    private static bool IsKeyframe(MediaMessage media) =>
        media.Type == RtmpMessageType.Video && media.Payload.Span is [0x17, 1, ..];

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (output.WrittenCount > 0)
            await Socket.SendAsync(output.WrittenMemory, cancellationToken);
        output.ResetWrittenCount();
    }
}
