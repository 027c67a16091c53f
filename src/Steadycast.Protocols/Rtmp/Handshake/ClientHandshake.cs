using System.Buffers;
using System.Security.Cryptography;

namespace Steadycast.Protocols.Rtmp.Handshake;

/// <summary>The client's half of the handshake: signed, as old servers demand, or simple.</summary>
internal sealed class ClientHandshake(bool signed)
{
    private readonly byte[] _answer = new byte[HandshakeSizes.Side];
    private byte[]? _digest;
    private int _received;

    /// <summary>Whether the server proved that it understood our digest; most servers answer simply.</summary>
    public bool IsSigned { get; private set; }

    /// <summary>Writes C0 and C1.</summary>
    public void Start(IBufferWriter<byte> output)
    {
        const int length = HandshakeSizes.Version + HandshakeSizes.Hello;
        Span<byte> span = output.GetSpan(length)[..length];
        span[0] = HandshakeSizes.RtmpVersion;
        Span<byte> hello = span[HandshakeSizes.Version..];
        RandomNumberGenerator.Fill(hello);
        hello[..8].Clear();
        if (signed)
        {
            hello[4] = 9; // Flash Player 9.0.124.2, as FFmpeg says.
            hello[6] = 124;
            hello[7] = 2;
            _digest = HandshakeDigest.Imprint(hello, HandshakeDigest.PlayerKey, 0);
        }

        output.Advance(length);
    }

    /// <summary>Takes S0, S1 and S2 from the front of input and writes C2; true when the handshake is done.</summary>
    public bool TryComplete(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        int taken = Math.Min(input.Length, HandshakeSizes.Side - _received);
        input[..taken].CopyTo(_answer.AsSpan(_received));
        input = input[taken..];
        _received += taken;
        if (_received > 0 && _answer[0] != HandshakeSizes.RtmpVersion)
        {
            throw new RtmpProtocolException(
                $"not RTMP: the server answers version {_answer[0]}", new RtmpPlace(0), _answer.AsSpan(0, _received));
        }

        if (_received < HandshakeSizes.Side)
            return false;

        ReadOnlySpan<byte> hello = _answer.AsSpan(HandshakeSizes.Version, HandshakeSizes.Hello);
        Span<byte> answer = output.GetSpan(HandshakeSizes.Hello)[..HandshakeSizes.Hello];
        byte[]? serverDigest = _digest is null ? null : HandshakeDigest.Find(hello, HandshakeDigest.ServerKey, out _);
        if (serverDigest is null)
        {
            hello.CopyTo(answer);
        }
        else
        {
            ReadOnlySpan<byte> echo = _answer.AsSpan(HandshakeSizes.Version + HandshakeSizes.Hello);
            IsSigned = HandshakeDigest.IsAnswer(echo, HandshakeDigest.ServerKey, _digest!);
            HandshakeDigest.Answer(answer, HandshakeDigest.PlayerKey, serverDigest);
        }

        output.Advance(HandshakeSizes.Hello);
        return true;
    }
}
