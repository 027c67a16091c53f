using System.Diagnostics.CodeAnalysis;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Relay;

/// <summary>
/// Where a stream is sent on to: <c>rtmp://host</c> keeps the client's app and name, <c>rtmp://host/app</c> puts the
/// app in the place of the client's, <c>rtmp://host/app/key</c> the name too. Its text form leaves out queries and the
/// name, which may be keys.
/// </summary>
/// <param name="App">With its query; empty: the client's.</param>
/// <param name="Name">With its query; empty: the client's.</param>
public sealed record UpstreamAddress(bool IsTls, string Host, int Port, string App, string Name)
{
    /// <summary>Reads an address as <see cref="RtmpUrl"/> does, and one without a path too.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out UpstreamAddress? address)
    {
        address = null;
        bool hasPath = Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.AbsolutePath.Trim('/') != "";
        // A path that is not there cannot be misread; what stands in for it goes nowhere.
        if (!RtmpUrl.TryParse(hasPath || uri is null ? text : $"{uri.Scheme}://{uri.Authority}/-", out RtmpUrl? url))
            return false;
        address = new UpstreamAddress(url.IsTls, url.Host, url.Port, hasPath ? url.App : "", hasPath ? url.Name : "");
        return true;
    }

    /// <summary>The address of one stream.</summary>
    /// <param name="app">The client's, without query.</param>
    /// <param name="name">The client's, with as much of its query as may be passed on; may be empty.</param>
    public RtmpUrl Of(string app, string name) =>
        new(IsTls, Host, Port, App == "" ? app : App, Name == "" ? name : Name);

    public override string ToString() => Of("", "").ToString();
}
