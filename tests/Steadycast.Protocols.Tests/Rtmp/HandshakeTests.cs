using System.Buffers;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Handshake;
using Steadycast.TestPeers;

namespace Steadycast.Protocols.Tests.Rtmp;

public sealed class HandshakeTests
{
    private const int Hello = 1536;

    [Fact]
    public void A_simple_hello_is_echoed()
    {
        byte[] client = SimpleClient();
        var (server, output) = Serve(client.AsSpan(0, 1 + Hello));

        Assert.Equal(3, output[0]);
        Assert.Equal(1 + 2 * Hello, output.Length);
        Assert.Equal(client.AsSpan(1, Hello), output.AsSpan(1 + Hello, Hello));
        Assert.False(server.IsSigned);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_signed_hello_gets_a_signed_answer_in_its_own_scheme(int scheme)
    {
        byte[] client = SimpleClient();
        client[5] = 9;
        byte[] digest = HandshakeDigest.Imprint(client.AsSpan(1, Hello), HandshakeDigest.PlayerKey, scheme);

        var (server, output) = Serve(client.AsSpan(0, 1 + Hello));

        Assert.True(server.IsSigned);
        Assert.NotNull(HandshakeDigest.Find(output.AsSpan(1, Hello), HandshakeDigest.ServerKey, out int answered));
        Assert.Equal(scheme, answered);
        Assert.True(HandshakeDigest.IsAnswer(output.AsSpan(1 + Hello), HandshakeDigest.ServerKey, digest));
    }

    [Fact]
    public void The_server_never_waits_for_C2_before_it_answers_but_wants_it_before_it_goes_on()
    {
        var server = new ServerHandshake();
        var output = new ArrayBufferWriter<byte>();
        ReadOnlySpan<byte> input = SimpleClient().AsSpan(0, 1 + Hello);

        Assert.False(server.TryComplete(ref input, output));
        Assert.Equal(1 + 2 * Hello, output.WrittenCount);

        input = new byte[Hello - 1];
        Assert.False(server.TryComplete(ref input, output));
        input = new byte[2];
        Assert.True(server.TryComplete(ref input, output));
        Assert.Equal(1, input.Length);
        Assert.Equal(1 + 2 * Hello, output.WrittenCount);
    }

    [Theory]
    [InlineData(6, "RTMPE")]
    [InlineData(8, "RTMPE")]
    [InlineData(9, "RTMPE")]
    [InlineData(0x16, "TLS")]
    [InlineData((byte)'G', "HTTP")]
    [InlineData(0, "version 0")]
    [InlineData(255, "version 255")]
    public void Other_protocols_are_refused_by_their_first_byte(byte version, string fault)
    {
        var e = Assert.Throws<RtmpProtocolException>(() => Serve([version]));

        Assert.Contains(fault, e.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Our_client_and_our_server_agree_however_the_bytes_come(bool signed)
    {
        foreach (int piece in new[] { int.MaxValue, 1000, 7 })
        {
            var client = new ClientHandshake(signed);
            var server = new ServerHandshake();
            var toServer = new ArrayBufferWriter<byte>();
            var toClient = new ArrayBufferWriter<byte>();
            client.Start(toServer);

            Assert.False(Feed(toServer, piece, (ref ReadOnlySpan<byte> i) => server.TryComplete(ref i, toClient)));
            Assert.True(Feed(toClient, piece, (ref ReadOnlySpan<byte> i) => client.TryComplete(ref i, toServer)));
            Assert.True(Feed(toServer, piece, (ref ReadOnlySpan<byte> i) => server.TryComplete(ref i, toClient)));

            Assert.Equal(signed, server.IsSigned);
            Assert.Equal(signed, client.IsSigned);
        }
    }

    [Fact]
    public void A_signed_client_takes_a_server_that_only_echoes()
    {
        var client = new ClientHandshake(signed: true);
        var output = new ArrayBufferWriter<byte>();
        client.Start(output);
        byte[] answer = [3, .. new byte[Hello], .. output.WrittenSpan[1..]];
        output.ResetWrittenCount();
        ReadOnlySpan<byte> input = answer;

        Assert.True(client.TryComplete(ref input, output));

        Assert.False(client.IsSigned);
        Assert.Equal(answer.AsSpan(1, Hello), output.WrittenSpan);
    }

    [Fact]
    public void A_server_of_another_version_is_refused()
    {
        var client = new ClientHandshake(signed: true);
        Assert.Throws<RtmpProtocolException>(() =>
        {
            ReadOnlySpan<byte> input = [6];
            client.TryComplete(ref input, new ArrayBufferWriter<byte>());
        });
    }

    [Fact]
    public void The_hello_of_FFmpeg_is_recognised_as_signed()
    {
        byte[] recorded = Recordings.Read("ffmpeg-5.1-h264-aac.bin");
        var (server, _) = Serve(recorded.AsSpan(0, 1 + Hello));

        Assert.True(server.IsSigned);
    }

    private delegate bool Step(ref ReadOnlySpan<byte> input);

    private static bool Feed(ArrayBufferWriter<byte> from, int piece, Step step)
    {
        byte[] bytes = from.WrittenSpan.ToArray();
        from.ResetWrittenCount();
        bool done = false;
        for (int at = 0; at < bytes.Length; at += Math.Min(piece, bytes.Length - at))
        {
            ReadOnlySpan<byte> input = bytes.AsSpan(at, Math.Min(piece, bytes.Length - at));
            done = step(ref input);
            Assert.True(input.IsEmpty);
        }

        return done;
    }

    private static byte[] SimpleClient()
    {
        byte[] bytes = new byte[1 + Hello];
        Random.Shared.NextBytes(bytes);
        bytes[0] = 3;
        bytes.AsSpan(1, 8).Clear();
        return bytes;
    }

    private static (ServerHandshake Server, byte[] Output) Serve(ReadOnlySpan<byte> input)
    {
        byte[] bytes = input.ToArray();
        byte[]? first = null;
        ServerHandshake server = new();
        foreach (IReadOnlyList<ReadOnlyMemory<byte>> pieces in new[] { [bytes], Splits.OneByOne(bytes) })
        {
            server = new ServerHandshake();
            var output = new ArrayBufferWriter<byte>();
            foreach (ReadOnlyMemory<byte> piece in pieces)
            {
                ReadOnlySpan<byte> span = piece.Span;
                Assert.False(server.TryComplete(ref span, output));
                Assert.True(span.IsEmpty);
            }

            first ??= output.WrittenSpan.ToArray();
            Assert.Equal(first.Length, output.WrittenCount);
        }

        return (server, first!);
    }
}
