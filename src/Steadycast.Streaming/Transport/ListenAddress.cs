using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Steadycast.Streaming.Transport;

/// <summary>Where to listen, as an operator writes it: <c>:1935</c>, <c>[::]:1935</c>, <c>localhost:1935</c>.</summary>
/// <param name="Host">Empty for all addresses of both families; never in brackets.</param>
/// <param name="Port">0 to 65535; 0 lets the system choose.</param>
public sealed record ListenAddress(string Host, int Port)
{
    public static bool TryParse(
        string text, [NotNullWhen(true)] out ListenAddress? address, [NotNullWhen(false)] out string? fault)
    {
        address = null;
        fault = "is not 'host:port', ':port' or '[ipv6]:port'";
        int colon = text.LastIndexOf(':');
        if (colon < 0)
            return false;
        string host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':') || host.Contains('[') || host.Contains(']'))
            return false;
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port > ushort.MaxValue)
        {
            fault = "has a port that is not a number from 0 to 65535";
            return false;
        }

        address = new ListenAddress(host, port);
        fault = null;
        return true;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");
}
