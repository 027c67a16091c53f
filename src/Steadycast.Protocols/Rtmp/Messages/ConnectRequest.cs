using Steadycast.Protocols.Amf;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>What a client says of itself in <c>connect</c>. Its text form leaves out what may hold a key.</summary>
public sealed class ConnectRequest
{
    internal ConnectRequest(Command command)
    {
        Object = command.Object;
        Transaction = command.Transaction;
        TcUrl = Object["tcUrl"].Text;
        string app = Object["app"].Text;
        int query = app.IndexOf('?', StringComparison.Ordinal);
        App = (query < 0 ? app : app[..query]).Trim('/');
        // OBS sends the query of its server field in both; some encoders only in tcUrl.
        Query = query >= 0 ? app[(query + 1)..] : QueryOf(TcUrl);
        EnhancedRtmp = EnhancedRtmpCapabilities.Of(Object);
    }

    /// <summary>The first part of the stream's path, without slashes at its ends and without query.</summary>
    public string App { get; }

    /// <summary>
    /// The query behind <c>app</c> or, when there is none, behind <c>tcUrl</c>; empty when neither has one.
    /// </summary>
    public string Query { get; }

    public string TcUrl { get; }

    /// <summary>The encoder or player and its version, as it likes to spell it.</summary>
    public string FlashVersion => Object["flashVer"].Text;

    /// <summary>What the client can do of Enhanced RTMP; null when it does not say.</summary>
    public EnhancedRtmpCapabilities? EnhancedRtmp { get; }

    /// <summary>All that the client sent.</summary>
    public Amf0Value Object { get; }

    internal double Transaction { get; }

    internal double ObjectEncoding => Object["objectEncoding"].Number;

    public override string ToString() => $"connect {App} ({FlashVersion})";

    private static string QueryOf(string url)
    {
        int at = url.IndexOf('?', StringComparison.Ordinal);
        return at < 0 ? "" : url[(at + 1)..];
    }
}
