using System.Buffers;
using System.Net;
using System.Text;
using Steadycast.Streaming.Transport;

namespace Steadycast.Server.Tests.Transport;

public sealed class ProxyHeaderTests
{
    private const string Block = "0D0A0D0A000D0A515549540A";

    /// <summary>Text for version 1, hex for version 2; what comes after the header is the connection's.</summary>
    public static TheoryData<string, string?, string?> Headers => new()
    {
        { "PROXY TCP4 192.0.2.7 198.51.100.1 40000 1935\r\n", "192.0.2.7:40000", "198.51.100.1:1935" },
        { "PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\n", "[2001:db8::7]:65535", "[2001:db8::1]:0" },
        { "PROXY UNKNOWN\r\n", null, null },
        { "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", null, null },
        { Block + "2111000CC0000207C63364019C40078F", "192.0.2.7:40000", "198.51.100.1:1935" },
        {
            Block + "2121002420010DB800000000000000000000000720010DB80000000000000000000000019C40078F",
            "[2001:db8::7]:40000", "[2001:db8::1]:1935"
        },
        // With an authority (TLV 0x02) behind the addresses.
        { Block + "21110010C0000207C63364019C40078F02000161", "192.0.2.7:40000", "198.51.100.1:1935" },
        { Block + "20000000", null, null },
        { Block + "2011000CC0000207C63364019C40078F", null, null },
        { Block + "21000000", null, null },
        { Block + "2112000CC0000207C63364019C40078F", null, null },
    };

    public static TheoryData<string> WrongHeaders =>
    [
        "GET / HTTP/1.1\r\n",
        "PROXX",
        "\u0003",
        "PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 40000 1935 7\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 40000 1935\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 0300.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 1\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 -1 1\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY UNKNOWN " + new string('x', 100) + "\r\n",
        "PROXY UNKNOWN " + new string('x', 100),
        Block + "1111000CC0000207C63364019C40078F",
        Block + "2211000CC0000207C63364019C40078F",
        Block + "2111000BC0000207C63364019C4007",
        Block + "21111001",
    ];

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_header_is_read_at_every_split_and_leaves_the_rest(string text, string? source, string? destination)
    {
        byte[] header = Bytes(text);
        byte[] input = [.. header, 3, 0, 0];

        for (int received = 0; received < header.Length; received++)
            Assert.False(ProxyHeader.TryRead(input.AsSpan(0, received), out _, out _), $"complete after {received}");

        Assert.True(ProxyHeader.TryRead(input, out ProxyHeader? read, out int length));
        Assert.Equal(header.Length, length);
        Assert.Equal((source, destination), (read!.Source?.ToString(), read.Destination?.ToString()));
    }

    [Theory]
    [MemberData(nameof(WrongHeaders))]
    public void What_is_no_header_is_refused(string text) =>
        Assert.Throws<FormatException>(() => ProxyHeader.TryRead(Bytes(text), out _, out _));

    [Theory]
    [InlineData("192.0.2.7:40000", "198.51.100.1:1935", true)]
    [InlineData("[2001:db8::7]:40000", "[2001:db8::1]:1935", true)]
    [InlineData("192.0.2.7:40000", "[2001:db8::1]:1935", false)]
    [InlineData(null, null, false)]
    public void What_is_written_is_read_again(string? source, string? destination, bool isKnown)
    {
        var header = new ProxyHeader(
            source is null ? null : IPEndPoint.Parse(source),
            destination is null ? null : IPEndPoint.Parse(destination));
        Action<IBufferWriter<byte>>[] versions = [header.WriteLine, header.WriteBlock];

        Assert.All(versions, write =>
        {
            var output = new ArrayBufferWriter<byte>();
            write(output);
            Assert.True(ProxyHeader.TryRead(output.WrittenSpan, out ProxyHeader? read, out int length));
            Assert.Equal(output.WrittenCount, length);
            Assert.Equal(isKnown ? header : new ProxyHeader(null, null), read);
        });
    }

    [Fact]
    public void Random_bytes_after_either_start_are_read_or_refused()
    {
        var dice = new Random(1);
        byte[][] starts = [Bytes(Block), Bytes("PROXY ")];
        int read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] input = new byte[dice.Next(0, 200)];
            dice.NextBytes(input);
            byte[] start = starts[i % 2];
            start.AsSpan(0, Math.Min(start.Length, input.Length)).CopyTo(input);
            if (input.Length > 15 && i % 2 == 0)
                (input[12], input[13], input[14], input[15]) = (0x21, 0x11, 0, (byte)dice.Next(0, 64));
            try
            {
                if (ProxyHeader.TryRead(input, out ProxyHeader? header, out int length))
                {
                    Assert.NotNull(header);
                    Assert.InRange(length, 1, input.Length);
                    read++;
                }
            }
            catch (FormatException)
            {
                // Refused, as it should be.
            }
        }

        Assert.True(read > 1_000, $"{read} were read");
    }

    private static byte[] Bytes(string text) =>
        text.StartsWith(Block, StringComparison.Ordinal) ? Convert.FromHexString(text) : Encoding.ASCII.GetBytes(text);
}
