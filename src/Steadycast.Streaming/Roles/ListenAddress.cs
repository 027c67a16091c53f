using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Steadycast.Streaming.Roles;

/// <summary>
/// Where something listens, as every <c>…_addr</c> key says it: <c>:8080</c> (every interface), <c>127.0.0.1:8080</c>,
/// <c>[::1]:8080</c>, <c>localhost:8080</c>.
/// </summary>
/// <param name="Address">
/// The interface; <see cref="IPAddress.IPv6Any"/> (dual stack where there is IPv6) for <c>:8080</c>.
/// </param>
/// <param name="Port">1 to 65535; 0 lets the system choose (tests).</param>
/// <param name="IsAny">Whether it is every interface.</param>
public readonly record struct ListenAddress(IPAddress Address, int Port, bool IsAny)
{
    /// <summary>
    /// What to bind a socket to. A machine without IPv6 gets 0.0.0.0 for every interface; on one with IPv6 set
    /// <see cref="Socket.DualMode"/> before binding.
    /// </summary>
    public IPEndPoint EndPoint => new(IsAny && !Socket.OSSupportsIPv6 ? IPAddress.Any : Address, Port);

    /// <summary>
    /// Reads <paramref name="text"/>; host names other than localhost are a fault: they resolve differently tomorrow.
    /// </summary>
    /// <param name="fault">What is wrong and what to write instead; null on success.</param>
    public static bool TryParse(string text, out ListenAddress address, out string? fault)
    {
        address = default;
        var colon = text.LastIndexOf(':');
        if (colon < 0
            || (text.Contains(']', StringComparison.Ordinal) && colon < text.IndexOf(']', StringComparison.Ordinal)))
        {
            fault = "has no port; write :8080 or 127.0.0.1:8080";
            return false;
        }

        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port > 65535)
        {
            fault = "has no port between 1 and 65535 after its colon; write :8080 or 127.0.0.1:8080";
            return false;
        }

        var host = text[..colon];
        fault = null;
        if (host.Length == 0)
        {
            address = new ListenAddress(IPAddress.IPv6Any, port, IsAny: true);
            return true;
        }

        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            address = new ListenAddress(IPAddress.Loopback, port, IsAny: false);
            return true;
        }

        var bare = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
        if (bare != host ^ bare.Contains(':', StringComparison.Ordinal) || !IPAddress.TryParse(bare, out var ip))
        {
            fault = "is not an address of this machine; "
                + "write an IP address before the port, or only :port for every interface";
            return false;
        }

        // 0.0.0.0 is every interface of IPv4 only; it collides like :port, and is bound as it is written.
        address = new ListenAddress(ip, port, ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any));
        return true;
    }

    /// <summary>For options that were checked already.</summary>
    /// <exception cref="FormatException">The text is not a listen address.</exception>
    public static ListenAddress Parse(string text) =>
        TryParse(text, out var address, out var fault) ? address : throw new FormatException($"'{text}' {fault}.");

    /// <summary>Whether both cannot be bound by one machine at the same time.</summary>
    public bool Collides(ListenAddress other) =>
        Port == other.Port && Port != 0 && (IsAny || other.IsAny || Address.Equals(other.Address));

    public override string ToString() =>
        Address.Equals(IPAddress.IPv6Any) ? $":{Port}" : new IPEndPoint(Address, Port).ToString();
}
