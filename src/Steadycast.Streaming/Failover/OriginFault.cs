namespace Steadycast.Streaming.Failover;

/// <summary>What can be wrong with one answer of one origin.</summary>
internal enum OriginFault
{
    None,

    /// <summary>No connection: refused, unreachable, no such name.</summary>
    Refused,

    /// <summary>The connection broke before the answer was whole.</summary>
    Reset,

    Timeout,

    /// <summary>404 or 410: it does not have the stream, or the segment.</summary>
    NotFound,

    /// <summary>5xx.</summary>
    ServerError,

    /// <summary>Any other status.</summary>
    Status,

    /// <summary>An index that is none, contradicts itself or is too large.</summary>
    Garbage,

    /// <summary>Bytes that are not what the index promises.</summary>
    Corrupt,

    /// <summary>Another attempt was first; nobody's fault.</summary>
    Cancelled,
}
