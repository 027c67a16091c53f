using System.Buffers.Binary;
using System.Globalization;
using Steadycast.Streaming.Hub;

namespace Steadycast.Server.Tests.Hub;

/// <summary>One message as a player reads it.</summary>
internal sealed record ParsedMessage(byte Type, uint Timestamp, byte[] Payload)
{
    /// <summary>
    /// K keyframe, P picture, H video header, A sound, h audio header, M metadata, D data; and the time.
    /// </summary>
    public override string ToString() => Letter + Timestamp.ToString(CultureInfo.InvariantCulture);

    private string Letter => Type switch
    {
        9 when Payload[1] == 0 => "H",
        9 => Payload[0] >> 4 == 1 ? "K" : "P",
        8 => Payload[1] == 0 ? "h" : "A",
        // For a server it has an envelope.
        _ => Payload.AsSpan().IndexOf("onMetaData"u8) is 3 or 19 ? "M" : "D",
    };
}

/// <summary>Reads the hub's chunks strictly: anything but what it promises to write is a failure.</summary>
internal sealed class ChunkParser
{
    private readonly List<byte> rest = [];

    public List<ParsedMessage> Messages { get; } = [];

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        rest.AddRange(bytes);
        while (TryRead())
        {
        }
    }

    public void AssertComplete() => Assert.Empty(rest);

    private bool TryRead()
    {
        ReadOnlySpan<byte> s = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(rest);
        if (s.Length < 12)
            return false;
        byte type = s[7];
        Assert.Equal(type switch { 8 => 4, 9 => 6, _ => 5 }, s[0]);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32LittleEndian(s[8..]));
        uint timestamp = UInt24(s[1..]);
        int length = (int)UInt24(s[4..]);
        bool extended = timestamp == 0xFFFFFF;
        int at = 12 + (extended ? 4 : 0);
        int chunks = Math.Max(1, (length + StreamHub.ChunkSize - 1) / StreamHub.ChunkSize);
        int total = at + length + ((chunks - 1) * (extended ? 5 : 1));
        if (s.Length < total)
            return false;
        if (extended)
            timestamp = BinaryPrimitives.ReadUInt32BigEndian(s[12..]);
        byte[] payload = new byte[length];
        for (int done = 0; done < length;)
        {
            int part = Math.Min(StreamHub.ChunkSize, length - done);
            s.Slice(at, part).CopyTo(payload.AsSpan(done));
            done += part;
            at += part;
            if (done == length)
                break;
            Assert.Equal(0xC0 | s[0], s[at]);
            if (extended)
                Assert.Equal(timestamp, BinaryPrimitives.ReadUInt32BigEndian(s[(at + 1)..]));
            at += extended ? 5 : 1;
        }

        Assert.Equal(total, at);
        Messages.Add(new ParsedMessage(type, timestamp, payload));
        rest.RemoveRange(0, total);
        return true;
    }

    private static uint UInt24(ReadOnlySpan<byte> s) => (uint)(s[0] << 16 | s[1] << 8 | s[2]);
}
