namespace Steadycast.Protocols.Rtmp;

/// <summary>
/// An <c>rtmp://</c> or <c>rtmps://</c> address. Its text form leaves out the query and the stream's name, either of
/// which may be a key.
/// </summary>
/// <param name="App">All of the path but its last part, with its query when it has one; or the only part.</param>
/// <param name="Name">The last part with its query; empty when the path has one part.</param>
public sealed record RtmpUrl(bool IsTls, string Host, int Port, string App, string Name)
{
    private const int RtmpPort = 1935;
    private const int RtmpsPort = 443;

    /// <summary>What <c>connect</c> says: the address up to the app.</summary>
    public string TcUrl => $"{(IsTls ? "rtmps" : "rtmp")}://{HostAndPort}/{App}";

    private string HostAndPort =>
        $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}"
        + (Port == (IsTls ? RtmpsPort : RtmpPort) ? "" : $":{Port}");

    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RtmpUrl? url)
    {
        url = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri)
            || uri.Scheme is not ("rtmp" or "rtmps")
            || uri.Host.Length == 0)
        {
            return false;
        }

        bool tls = uri.Scheme == "rtmps";
        int port = uri.Port > 0 ? uri.Port : tls ? RtmpsPort : RtmpPort;
        string path = uri.AbsolutePath.Trim('/');
        int slash = path.LastIndexOf('/');
        (string app, string name) = slash < 0
            ? (path + uri.Query, "")
            : (path[..slash], path[(slash + 1)..] + uri.Query);
        if (path == "")
            return false;
        url = new RtmpUrl(tls, uri.IdnHost.Trim('[', ']'), port, app, name);
        return true;
    }

    public override string ToString()
    {
        int query = App.IndexOf('?', StringComparison.Ordinal);
        string app = query < 0 ? App : App[..query];
        return $"{(IsTls ? "rtmps" : "rtmp")}://{HostAndPort}/{app}{(Name == "" ? "" : "/***")}";
    }
}
