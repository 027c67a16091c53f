using System.Collections.Immutable;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Relay;

/// <summary>A stream as its publisher asked for it: what an upstream is told in its turn.</summary>
/// <param name="App">Without query.</param>
/// <param name="NameWithQuery">The stream's own name, with what of its query is not for us.</param>
/// <param name="ConnectMembers">What the publisher said of itself and of what it can do.</param>
public sealed record RelayedStream(
    StreamName Stream, string App, string NameWithQuery, ImmutableArray<Amf0Property> ConnectMembers)
{
    /// <summary>What goes with the stream wherever it goes; pageUrl and swfUrl may hold a key.</summary>
    private static readonly string[] Carried =
    [
        "flashVer", "capabilities", "audioCodecs", "videoCodecs", "videoFunction",
        "fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx",
    ];

    /// <summary>Parameters that are meant for us and may be secrets.</summary>
    private static readonly string[] Ours = ["key", "token", "role", "yield"];

    public static RelayedStream Of(StreamName stream, ConnectRequest connect, StreamRequest request)
    {
        string[] query = [.. request.NameQuery.Split('&', '?').Where(p => p != "" && !Ours.Contains(p.Split('=')[0]))];
        return new RelayedStream(
            stream,
            request.App,
            query.Length == 0 ? request.Name : $"{request.Name}?{string.Join('&', query)}",
            [.. connect.Object.Properties.Where(p => Carried.Contains(p.Name))]);
    }

    /// <summary>Without the query.</summary>
    public override string ToString() => Stream.Value;
}
