using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.TestPeers;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Protocols.Tests.Rtmp;

/// <summary>
/// Whatever a peer sends: events or an <see cref="RtmpProtocolException"/>, never another exception, never more memory
/// than the limits, never more answers than a small multiple of what was sent.
/// </summary>
public sealed class HostileInputTests
{
    private static readonly byte[][] Valid =
    [
        EncoderScripts.Obs("live", "show").ToArray(),
        EncoderScripts.Amf3Encoder("live", "show").ToArray(),
        EncoderScripts.LibrtmpPlayer("live", "show").ToArray(),
        Recordings.Read("ffmpeg-5.1-h264-aac.bin"),
        Recordings.Read("gstreamer-1.22-rtmp2sink-h264-aac.bin"),
        Recordings.Read("gstreamer-1.22-rtmpsink-librtmp-h264-aac.bin"),
        Recordings.Read("rtmpdump-2.4-play.bin"),
    ];

    private static Config Many => Config.QuickThrowOnFailure.WithMaxTest(2000).WithQuietOnSuccess(true);

    [Fact]
    public void Any_bytes_after_the_handshake() =>
        Prop.ForAll<byte[], int>((bytes, seed) =>
        {
            byte[] input = [.. new RtmpScript().Handshake().ToArray(), .. bytes ?? []];
            Survive(input, seed);
        }).Check(Many);

    [Fact]
    public void Valid_sessions_with_some_bytes_changed() =>
        Prop.ForAll<int>(seed =>
        {
            var random = new Random(seed);
            byte[] input = [.. Valid[random.Next(Valid.Length)]];
            for (int i = random.Next(1, 6); i > 0; i--)
                input[Place(random, input)] = (byte)random.Next(256);
            Survive(input, seed);
        }).Check(Many);

    [Fact]
    public void Valid_sessions_with_parts_cut_out_doubled_or_swapped() =>
        Prop.ForAll<int>(seed =>
        {
            var random = new Random(seed);
            byte[] input = Valid[random.Next(Valid.Length)];
            int at = Place(random, input);
            int length = random.Next(1, 200);
            ReadOnlySpan<byte> head = input.AsSpan(0, at);
            ReadOnlySpan<byte> part = input.AsSpan(at, Math.Min(length, input.Length - at));
            ReadOnlySpan<byte> tail = input.AsSpan(at + part.Length);
            byte[] changed = random.Next(3) switch
            {
                0 => [.. head, .. tail],
                1 => [.. head, .. part, .. part, .. tail],
                _ => [.. head, .. tail[..Math.Min(tail.Length, length)], .. part, .. tail],
            };
            Survive(changed, seed);
        }).Check(Many);

    [Fact]
    public void Valid_sessions_cut_off_anywhere()
    {
        foreach (byte[] input in Valid)
        {
            for (int at = 0; at < input.Length; at += at < 6000 ? 13 : 499)
                Survive(input[..at], at);
        }
    }

    [Fact]
    public void Any_first_bytes_are_a_handshake_or_refused() =>
        Prop.ForAll<byte[]>(bytes => Survive(bytes ?? [], 1)).Check(Many);

    private static int Place(Random random, byte[] input) =>
        random.Next(10) == 0 ? random.Next(input.Length) : random.Next(Math.Min(3073, input.Length - 1), input.Length);

    private static void Survive(byte[] input, int seed)
    {
        using var session = new ServerSession(RtmpLimits.Default);
        var output = new ArrayBufferWriter<byte>();
        var random = new Random(seed);
        int fed = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> piece in Splits.Random(input, seed, 3000))
            {
                ReadOnlySpan<byte> span = piece.Span;
                fed += piece.Length;
                while (session.TryRead(ref span, output, out ServerEvent e))
                    Answer(session, output, e, random);
                Assert.True(session.BufferedBytes <= Math.Max(RtmpLimits.Default.MaxChunkStreams * 4096, 4 * fed));
            }
        }
        catch (RtmpProtocolException e)
        {
            Assert.InRange(e.Place.Offset, 0, input.Length);
        }

        Assert.InRange(output.WrittenCount, 0, 20 * fed + 10_000);
    }

    private static void Answer(ServerSession session, ArrayBufferWriter<byte> output, in ServerEvent e, Random random)
    {
        bool yes = random.Next(4) > 0;
        switch (e.Kind)
        {
            case ServerEventKind.ConnectRequested when yes:
                session.AcceptConnect(output);
                break;
            case ServerEventKind.ConnectRequested:
                session.RefuseConnect(output, "NetConnection.Connect.Rejected", "No.");
                break;
            case ServerEventKind.PublishRequested when yes:
                session.AcceptPublish(output);
                break;
            case ServerEventKind.PublishRequested:
                session.RefusePublish(output, "NetStream.Publish.Denied", "No.");
                break;
            case ServerEventKind.PlayRequested when yes:
                session.AcceptPlay(output);
                break;
            case ServerEventKind.PlayRequested:
                session.RefusePlay(output, "NetStream.Play.StreamNotFound", "No.");
                break;
            case ServerEventKind.Media:
                Assert.True(e.Media.Payload.Length <= RtmpLimits.Default.MaxMessageBytes);
                break;
        }
    }
}
