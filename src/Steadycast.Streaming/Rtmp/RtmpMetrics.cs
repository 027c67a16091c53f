using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Rtmp;

/// <summary>What a connection is for, as a label.</summary>
internal enum RtmpRole
{
    Waiting,
    Publisher,
    Player,
}

/// <summary>What the RTMP door counts.</summary>
public sealed class RtmpMetrics
{
    private readonly UpDownCounter<long> _connections;
    private readonly Counter<long> _handshakes;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _messages;
    private readonly Counter<long> _bytes;

    public RtmpMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create("Steadycast.Rtmp");
        _connections = meter.CreateUpDownCounter<long>("steadycast_rtmp_connections", "{connection}");
        _handshakes = meter.CreateCounter<long>("steadycast_rtmp_handshakes_total", "{handshake}");
        _requests = meter.CreateCounter<long>("steadycast_rtmp_requests_total", "{request}");
        _closed = meter.CreateCounter<long>("steadycast_rtmp_closed_total", "{connection}");
        _messages = meter.CreateCounter<long>("steadycast_rtmp_media_messages_total", "{message}");
        _bytes = meter.CreateCounter<long>("steadycast_rtmp_media_bytes_total", "By");
    }

    internal void RoleBegan(RtmpRole role) => _connections.Add(1, Tag("role", Name(role)));

    internal void RoleEnded(RtmpRole role) => _connections.Add(-1, Tag("role", Name(role)));

    internal void HandshakeDone(bool signed) => _handshakes.Add(1, Tag("kind", signed ? "signed" : "simple"));

    /// <param name="outcome"><c>accepted</c>, or why not.</param>
    internal void Requested(string kind, string outcome) =>
        _requests.Add(1, Tag("kind", kind), Tag("outcome", outcome));

    internal void Closed(string reason) => _closed.Add(1, Tag("reason", reason));

    /// <summary>What one receive brought of media.</summary>
    internal void MediaReceived(int messages, long bytes)
    {
        _messages.Add(messages, Tag("direction", "received"));
        _bytes.Add(bytes, Tag("direction", "received"));
    }

    internal void MediaSent(int bytes) => _bytes.Add(bytes, Tag("direction", "sent"));

    private static string Name(RtmpRole role) => role switch
    {
        RtmpRole.Publisher => "publisher",
        RtmpRole.Player => "player",
        _ => "waiting",
    };

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
