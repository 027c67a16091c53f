using System.Buffers;
using System.Security.Cryptography;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Protocols.Rtmp.Sessions;

namespace Steadycast.TestPeers.Rtmp;

/// <summary>
/// Drives a server session that says yes to everything, and writes down what it heard: one line for each event, media
/// as type, time, length and the start of their hash.
/// </summary>
public sealed class ServerTranscript(RtmpLimits limits) : IDisposable
{
    private readonly List<string> _lines = [];

    public ServerTranscript()
        : this(RtmpLimits.Default)
    {
    }

    public ServerSession Session { get; } = new(limits);

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>What the client said of itself.</summary>
    public ConnectRequest? Connect { get; private set; }

    public ArrayBufferWriter<byte> Output { get; } = new();

    public static IReadOnlyList<string> Of(IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        using var transcript = new ServerTranscript();
        foreach (ReadOnlyMemory<byte> piece in pieces)
            transcript.Feed(piece.Span);
        return transcript.Lines;
    }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        while (Session.TryRead(ref bytes, Output, out ServerEvent e))
            Write(e);
        if (!bytes.IsEmpty)
            throw new InvalidOperationException("The session left input");
    }

    public void Dispose() => Session.Dispose();

    private void Write(in ServerEvent e)
    {
        switch (e.Kind)
        {
            case ServerEventKind.ConnectRequested:
                Connect = e.Connect!;
                _lines.Add($"connect {Connect.App}");
                Session.AcceptConnect(Output);
                break;
            case ServerEventKind.PublishRequested:
                _lines.Add($"publish {e.Stream!.Path} on {e.Stream.MessageStreamId}");
                Session.AcceptPublish(Output);
                break;
            case ServerEventKind.PlayRequested:
                _lines.Add($"play {e.Stream!.Path} on {e.Stream.MessageStreamId}");
                Session.AcceptPlay(Output);
                break;
            case ServerEventKind.Media:
                string hash = Convert.ToHexStringLower(SHA256.HashData(e.Media.Payload.Span))[..8];
                _lines.Add($"{e.Media.Type} {e.Media.Timestamp} {e.Media.Payload.Length} {hash}");
                break;
            default:
                _lines.Add(e.Kind.ToString());
                break;
        }
    }
}
