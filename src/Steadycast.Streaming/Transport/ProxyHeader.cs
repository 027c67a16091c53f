using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steadycast.Streaming.Transport;

/// <summary>
/// What a proxy says of the connection that it passes on, before the first byte of it: the PROXY protocol of HAProxy
/// (proxy-protocol.txt), versions 1 and 2.
/// </summary>
/// <param name="Source">The client; null when the proxy speaks for itself (LOCAL) or does not know (UNKNOWN).</param>
/// <param name="Destination">What the client dialled; null as <paramref name="Source"/>.</param>
public sealed record ProxyHeader(IPEndPoint? Source, IPEndPoint? Destination)
{
    /// <summary>The longest line of version 1, with its end (section 2.1).</summary>
    public const int MaxLine = 107;

    /// <summary>The longest block of version 2 that is read: addresses and extensions, after 16 bytes.</summary>
    public const int MaxBlock = 4096;

    // Version 2 (section 2.2):
    //
    //   0            12        13        14       16
    //   | signature  | ver cmd | fam prot | length | addresses, then extensions (TLV) |
    private const int VersionOffset = 12;
    private const int FamilyOffset = 13;
    private const int LengthOffset = 14;
    private const int BlockOffset = 16;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private static ReadOnlySpan<byte> LineStart => "PROXY "u8;

    /// <summary>Reads a header at the start of a connection.</summary>
    /// <param name="input">All that has been received.</param>
    /// <param name="header">Set when true is returned.</param>
    /// <param name="length">How many bytes it has.</param>
    /// <returns>False: more bytes are needed.</returns>
    /// <exception cref="FormatException">There is no header, or a wrong one.</exception>
    public static bool TryRead(ReadOnlySpan<byte> input, out ProxyHeader? header, out int length)
    {
        (header, length) = (null, 0);
        if (StartsLike(input, Signature))
            return input.Length >= BlockOffset && TryReadBlock(input, out header, out length);
        if (StartsLike(input, LineStart))
            return TryReadLine(input, out header, out length);
        throw new FormatException("no PROXY header");
    }

    /// <summary>Writes version 1, a line: UNKNOWN where an address is missing or the families differ.</summary>
    public void WriteLine(IBufferWriter<byte> output)
    {
        string line = (Source, Destination) switch
        {
            ({ AddressFamily: AddressFamily.InterNetwork } s, { AddressFamily: AddressFamily.InterNetwork } d) =>
                $"PROXY TCP4 {s.Address} {d.Address} {s.Port} {d.Port}\r\n",
            ({ AddressFamily: AddressFamily.InterNetworkV6 } s, { AddressFamily: AddressFamily.InterNetworkV6 } d) =>
                $"PROXY TCP6 {s.Address} {d.Address} {s.Port} {d.Port}\r\n",
            _ => "PROXY UNKNOWN\r\n",
        };
        Encoding.ASCII.GetBytes(line, output);
    }

    /// <summary>Writes version 2: LOCAL where an address is missing or the families differ.</summary>
    public void WriteBlock(IBufferWriter<byte> output)
    {
        bool isKnown = Source is not null && Source.AddressFamily == Destination?.AddressFamily;
        byte[] source = isKnown ? Source!.Address.GetAddressBytes() : [];
        byte[] destination = isKnown ? Destination!.Address.GetAddressBytes() : [];
        int length = isKnown ? source.Length + destination.Length + 4 : 0;

        Span<byte> block = output.GetSpan(BlockOffset + length);
        Signature.CopyTo(block);
        block[VersionOffset] = (byte)(isKnown ? 0x21 : 0x20);
        block[FamilyOffset] = (byte)(source.Length switch { 4 => 0x11, 16 => 0x21, _ => 0x00 });
        BinaryPrimitives.WriteUInt16BigEndian(block[LengthOffset..], (ushort)length);
        if (isKnown)
        {
            Span<byte> rest = block[BlockOffset..];
            source.CopyTo(rest);
            destination.CopyTo(rest[source.Length..]);
            rest = rest[(2 * source.Length)..];
            BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)Source!.Port);
            BinaryPrimitives.WriteUInt16BigEndian(rest[2..], (ushort)Destination!.Port);
        }

        output.Advance(BlockOffset + length);
    }

    private static bool StartsLike(ReadOnlySpan<byte> input, ReadOnlySpan<byte> start) =>
        input[..Math.Min(input.Length, start.Length)].SequenceEqual(start[..Math.Min(input.Length, start.Length)]);

    private static bool TryReadLine(ReadOnlySpan<byte> input, out ProxyHeader? header, out int length)
    {
        (header, length) = (null, 0);
        int end = input.IndexOf("\r\n"u8);
        if (end < 0 && input.Length < MaxLine)
            return false;
        if (end < 0 || end + 2 > MaxLine)
            throw new FormatException($"the PROXY line has no end within {MaxLine} bytes");
        length = end + 2;

        string[] words = Encoding.ASCII.GetString(input[..end]).Split(' ');
        if (words[1] == "UNKNOWN")
        {
            header = new ProxyHeader(null, null);
            return true;
        }

        AddressFamily family = words[1] switch
        {
            "TCP4" => AddressFamily.InterNetwork,
            "TCP6" => AddressFamily.InterNetworkV6,
            _ => throw new FormatException("the PROXY line names no family that there is"),
        };
        if (words.Length != 6)
            throw new FormatException("the PROXY line has not two addresses and two ports");
        header = new ProxyHeader(ReadEndPoint(family, words[2], words[4]), ReadEndPoint(family, words[3], words[5]));
        return true;
    }

    private static IPEndPoint ReadEndPoint(AddressFamily family, string address, string port)
    {
        // Only in its plain form: 0177.1 is another address to us than to who wrote it.
        if (!IPAddress.TryParse(address, out IPAddress? ip)
            || ip.AddressFamily != family
            || (family == AddressFamily.InterNetwork && ip.ToString() != address))
            throw new FormatException("the PROXY line has a wrong address");
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number))
            throw new FormatException("the PROXY line has a wrong port");
        return new IPEndPoint(ip, number);
    }

    private static bool TryReadBlock(ReadOnlySpan<byte> input, out ProxyHeader? header, out int length)
    {
        header = null;
        int size = BinaryPrimitives.ReadUInt16BigEndian(input[LengthOffset..]);
        if (size > MaxBlock)
            throw new FormatException($"the PROXY block has {size} bytes, more than {MaxBlock}");
        length = BlockOffset + size;
        if (input.Length < length)
            return false;

        byte family = input[FamilyOffset];
        header = (input[VersionOffset], family) switch
        {
            (0x20, _) => new ProxyHeader(null, null),
            (0x21, 0x11) => ReadAddresses(input[BlockOffset..length], 4),
            (0x21, 0x21) => ReadAddresses(input[BlockOffset..length], 16),
            // Another transport or family: "the receiver must skip it" (2.2), and is told nothing.
            (0x21, _) => new ProxyHeader(null, null),
            _ => throw new FormatException("the PROXY block has a version or a command that there is not"),
        };
        return true;
    }

    private static ProxyHeader ReadAddresses(ReadOnlySpan<byte> block, int size)
    {
        if (block.Length < (2 * size) + 4)
            throw new FormatException("the PROXY block ends in its addresses");
        ReadOnlySpan<byte> ports = block[(2 * size)..];
        return new ProxyHeader(
            new IPEndPoint(new IPAddress(block[..size]), BinaryPrimitives.ReadUInt16BigEndian(ports)),
            new IPEndPoint(new IPAddress(block[size..(2 * size)]), BinaryPrimitives.ReadUInt16BigEndian(ports[2..])));
    }
}
