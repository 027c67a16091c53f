using System.Net;
using System.Net.Sockets;

namespace Steadycast.Streaming.Admission;

/// <summary>Finds the addresses of a name; <see cref="Dns"/> outside of tests.</summary>
public delegate Task<IPAddress[]> AddressLookup(string host, CancellationToken cancellationToken);

/// <summary>
/// Where we may go out to: keeps an upstream's address from being one of our own network (SSRF).
/// </summary>
/// <remarks>
/// The name is looked up here, every address that it has is judged, and those addresses are what is dialled: a name
/// that answers differently the second time (rebinding) gains nothing. Ask again before each dial.
/// </remarks>
/// <param name="allowPrivate">
/// Whether private networks and loopback may be dialled: for upstreams that the operator wrote down. Metadata services
/// of clouds, link-local, multicast and reserved ranges stay closed.
/// </param>
public sealed class AddressGuard(bool allowPrivate, AddressLookup lookup)
{
    /// <summary>IANA's special-purpose registries (RFC 6890 and later), and those of the metadata services.</summary>
    private static readonly Range[] Ranges =
    [
        // Before the private ranges that they lie in.
        new("100.100.100.200/32", "a cloud's metadata service"),
        new("fd00:ec2::254/128", "a cloud's metadata service"),
        new("0.0.0.0/8", "no address of a host"),
        new("10.0.0.0/8", "a private network", IsPrivate: true),
        new("100.64.0.0/10", "a provider's private network", IsPrivate: true),
        new("127.0.0.0/8", "this machine", IsPrivate: true),
        new("169.254.0.0/16", "a link-local address"),
        new("172.16.0.0/12", "a private network", IsPrivate: true),
        new("192.0.0.0/24", "a reserved address"),
        new("192.0.2.0/24", "an address of documentation"),
        new("192.88.99.0/24", "a reserved address"),
        new("192.168.0.0/16", "a private network", IsPrivate: true),
        new("198.18.0.0/15", "a network of benchmarks"),
        new("198.51.100.0/24", "an address of documentation"),
        new("203.0.113.0/24", "an address of documentation"),
        new("224.0.0.0/4", "a multicast address"),
        new("240.0.0.0/4", "a reserved address"),
        new("::1/128", "this machine", IsPrivate: true),
        new("::/128", "no address of a host"),
        new("64:ff9b:1::/48", "a reserved address"),
        new("100::/64", "a reserved address"),
        new("2001::/23", "a reserved address"),
        new("2001:db8::/32", "an address of documentation"),
        new("3fff::/20", "an address of documentation"),
        new("5f00::/16", "a reserved address"),
        new("fc00::/7", "a private network", IsPrivate: true),
        new("fe80::/10", "a link-local address"),
        new("fec0::/10", "a reserved address"),
        new("ff00::/8", "a multicast address"),
    ];

    public AddressGuard(bool allowPrivate)
        : this(allowPrivate, Dns.GetHostAddressesAsync)
    {
    }

    /// <summary>The addresses of a host, all of which may be dialled; never empty.</summary>
    /// <param name="host">A name, or an address in its plain form, IPv6 without brackets.</param>
    /// <exception cref="AddressRefusedException">It has none, or one of them may not be dialled.</exception>
    public async Task<IPAddress[]> FindAsync(string host, CancellationToken cancellationToken)
    {
        if (FindFault(host) is { } fault)
            throw new AddressRefusedException(host, fault);
        if (IPAddress.TryParse(host, out IPAddress? literal))
            return [literal];

        IPAddress[] addresses = await LookUpAsync(host, cancellationToken);
        foreach (IPAddress address in addresses)
        {
            if (FindFault(address) is { } closed)
                throw new AddressRefusedException(host, closed);
        }

        return addresses;
    }

    /// <summary>What is wrong with a host as far as can be told without a look-up; null when nothing is.</summary>
    public string? FindFault(string host)
    {
        if (!IPAddress.TryParse(host, out IPAddress? address))
            return null;
        // 0177.0.0.1, 0x7f.1 and 2130706433 are read as 127.0.0.1 by some and as something else by others.
        bool isPlain = address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == host;
        return isPlain ? FindFault(address) : "it is an address that is not written as four decimal numbers";
    }

    /// <summary>Why an address may not be dialled; null when it may.</summary>
    public string? FindFault(IPAddress address)
    {
        if (FindEmbedded(address) is { } embedded)
            return FindFault(embedded);
        foreach (Range range in Ranges)
        {
            if (range.Network.Contains(address))
                return allowPrivate && range.IsPrivate ? null : $"{address} is {range.What}";
        }

        return null;
    }

    private async Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            IPAddress[] addresses = await lookup(host, cancellationToken);
            return addresses.Length > 0 ? addresses : throw new AddressRefusedException(host, "it has no address");
        }
        catch (SocketException e)
        {
            throw new AddressRefusedException(host, $"its address cannot be found ({e.SocketErrorCode})");
        }
    }

    /// <summary>
    /// The IPv4 address that an IPv6 one is another spelling of: mapped, compatible (RFC 4291, 2.5.5), 6to4 (RFC 3056),
    /// NAT64 (RFC 6052), ISATAP (RFC 5214).
    /// </summary>
    private static IPAddress? FindEmbedded(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return null;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        ReadOnlySpan<byte> bytes = address.GetAddressBytes();
        if (bytes.StartsWith<byte>([0x20, 0x02]))
            return new IPAddress(bytes[2..6]);
        bool isNat64 = bytes.StartsWith<byte>([0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]);
        bool isIsatap = bytes[8..12] is [0x00 or 0x02, 0x00, 0x5E, 0xFE];
        bool isCompatible = !bytes[..12].ContainsAnyExcept((byte)0) && bytes[12] != 0;
        return isNat64 || isIsatap || isCompatible ? new IPAddress(bytes[12..]) : null;
    }

    private sealed record Range(string Text, string What, bool IsPrivate = false)
    {
        public IPNetwork Network { get; } = IPNetwork.Parse(Text);
    }
}
