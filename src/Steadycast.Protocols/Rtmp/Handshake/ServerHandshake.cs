using System.Buffers;
using System.Security.Cryptography;

namespace Steadycast.Protocols.Rtmp.Handshake;

/// <summary>
/// The server's half of the handshake. Answers S0, S1 and S2 as soon as C1 is whole: players exist that send C2 only
/// after S2. C2 must come before anything else but its content is not judged, since encoders echo what they like.
/// </summary>
internal sealed class ServerHandshake
{
    private byte[]? _hello = new byte[HandshakeSizes.Hello];
    private int _received;

    /// <summary>Whether the client signed its C1.</summary>
    public bool IsSigned { get; private set; }

    /// <summary>Bytes taken so far.</summary>
    public int Received => _received;

    /// <summary>Takes bytes from the front of input; true when the handshake is done.</summary>
    public bool TryComplete(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (_received == 0 && !input.IsEmpty)
        {
            CheckVersion(input);
            Take(ref input, HandshakeSizes.Version);
        }

        if (_hello is not null)
        {
            ReadOnlySpan<byte> part = Take(ref input, HandshakeSizes.Version + HandshakeSizes.Hello - _received);
            part.CopyTo(_hello.AsSpan(Math.Max(0, _received - part.Length - HandshakeSizes.Version)));
            if (_received < HandshakeSizes.Version + HandshakeSizes.Hello)
                return false;
            Answer(_hello, output);
            _hello = null;
        }

        Take(ref input, HandshakeSizes.Side - _received);
        return _received == HandshakeSizes.Side;
    }

    private ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> input, int wanted)
    {
        ReadOnlySpan<byte> taken = input[..Math.Min(wanted, input.Length)];
        input = input[taken.Length..];
        _received += taken.Length;
        return taken;
    }

    private void Answer(ReadOnlySpan<byte> clientHello, IBufferWriter<byte> output)
    {
        Span<byte> answer = output.GetSpan(HandshakeSizes.Side)[..HandshakeSizes.Side];
        answer[0] = HandshakeSizes.RtmpVersion;
        Span<byte> hello = answer.Slice(HandshakeSizes.Version, HandshakeSizes.Hello);
        Span<byte> echo = answer[(HandshakeSizes.Version + HandshakeSizes.Hello)..];
        RandomNumberGenerator.Fill(hello);
        hello[..8].Clear();

        // A version of zero in C1 says "simple"; some signers send one too, so the digest decides.
        byte[]? digest = HandshakeDigest.Find(clientHello, HandshakeDigest.PlayerKey, out int scheme);
        if (digest is null)
        {
            clientHello.CopyTo(echo);
        }
        else
        {
            IsSigned = true;
            hello[4] = 4; // Any version from 3.5 on makes players look for the digest.
            hello[5] = 5;
            hello[7] = 1;
            HandshakeDigest.Imprint(hello, HandshakeDigest.ServerKey, scheme);
            HandshakeDigest.Answer(echo, HandshakeDigest.ServerKey, digest);
        }

        output.Advance(HandshakeSizes.Side);
    }

    private static void CheckVersion(ReadOnlySpan<byte> input)
    {
        if (input[0] == HandshakeSizes.RtmpVersion)
            return;
        string fault = input[0] switch
        {
            6 or 8 or 9 => "RTMPE is not spoken here, use RTMPS",
            0x16 => "TLS on a port for plain RTMP",
            (byte)'G' or (byte)'P' or (byte)'H' or (byte)'O' => "HTTP on a port for RTMP",
            _ => $"not RTMP: version {input[0]}",
        };
        throw new RtmpProtocolException(fault, new RtmpPlace(0), input[..Math.Min(16, input.Length)]);
    }
}
