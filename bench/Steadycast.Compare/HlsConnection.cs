using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steadycast.Compare;

/// <summary>
/// One keep-alive HTTP/1.1 connection that only reads: a loader must cost less than the server that it measures.
/// </summary>
internal sealed class HlsConnection : IDisposable
{
    private const int LongestHead = 8 * 1024;

    // What segments hold is counted and not looked at, so all share one buffer.
    private static readonly byte[] Scratch = new byte[256 * 1024];

    private readonly byte[] buffer = new byte[LongestHead + (64 * 1024)];
    private readonly Socket socket =
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public async Task ConnectAsync(int port, CancellationToken cancellationToken) =>
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);

    /// <summary>A playlist, as text.</summary>
    /// <exception cref="IOException">Any other answer than a whole one of 200.</exception>
    public async Task<string> GetTextAsync(string path, CancellationToken cancellationToken)
    {
        (int begin, int end, int length) = await BeginAsync(path, cancellationToken);
        if (begin + length > buffer.Length)
            throw new IOException($"{path}: {length} bytes are too many for a playlist");
        while (end < begin + length)
            end += await ReceiveAsync(buffer.AsMemory(end), cancellationToken);
        return Encoding.UTF8.GetString(buffer, begin, length);
    }

    /// <summary>A segment: how many bytes it has.</summary>
    /// <exception cref="IOException">Any other answer than a whole one of 200.</exception>
    public async Task<int> GetSegmentAsync(string path, CancellationToken cancellationToken)
    {
        (int begin, int end, int length) = await BeginAsync(path, cancellationToken);
        for (int left = begin + length - end; left > 0;)
            left -= await ReceiveAsync(Scratch.AsMemory(0, Math.Min(left, Scratch.Length)), cancellationToken);
        return length;
    }

    public void Dispose() => socket.Dispose();

    /// <returns>Where the body begins, where what was received ends, and how long the body is.</returns>
    private async Task<(int Begin, int End, int Length)> BeginAsync(string path, CancellationToken cancellationToken)
    {
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), cancellationToken);
        int end = 0;
        int head;
        do
        {
            if (end >= LongestHead)
                throw new IOException($"{path}: the answer's head does not end");
            end += await ReceiveAsync(buffer.AsMemory(end, LongestHead - end), cancellationToken);
            head = buffer.AsSpan(0, end).IndexOf("\r\n\r\n"u8);
        }
        while (head < 0);
        ReadOnlySpan<byte> text = buffer.AsSpan(0, head);
        int at = text.IndexOf("\r\nContent-Length: "u8);
        if (!text.StartsWith("HTTP/1.1 200 "u8) || at < 0 ||
            !Utf8Parser.TryParse(text[(at + 18)..], out int length, out _))
            throw new IOException($"{path}: {Encoding.ASCII.GetString(text[..text.IndexOf("\r\n"u8)])}");
        return (head + 4, end, length);
    }

    private async Task<int> ReceiveAsync(Memory<byte> into, CancellationToken cancellationToken) =>
        await socket.ReceiveAsync(into, cancellationToken) is > 0 and var received
            ? received
            : throw new IOException("the server closed the connection");
}
