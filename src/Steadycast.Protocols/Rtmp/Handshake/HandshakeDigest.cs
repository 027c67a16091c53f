using System.Security.Cryptography;

namespace Steadycast.Protocols.Rtmp.Handshake;

/// <summary>
/// The signature that Flash Player 9 brought into the handshake, known from librtmp and FFmpeg: an HMAC-SHA256 over the
/// 1,536 bytes without itself, at an offset that four of the bytes tell, in one of two schemes.
/// </summary>
internal static class HandshakeDigest
{
    public const int Length = 32;

    /// <summary>
    /// Where the four bytes stand whose sum tells the digest's place: scheme 1 first, as players send it.
    /// </summary>
    private static ReadOnlySpan<int> Schemes => [8, 772];

    private static ReadOnlySpan<byte> PlayerKeyBytes => "Genuine Adobe Flash Player 001"u8;

    private static ReadOnlySpan<byte> ServerKeyBytes => "Genuine Adobe Flash Media Server 001"u8;

    private static ReadOnlySpan<byte> KeyTail =>
    [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
        0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ];

    /// <summary>What signs C1 and, with its tail, C2.</summary>
    public static byte[] PlayerKey { get; } = PlayerKeyBytes.ToArray();

    /// <summary>What signs S1 and, with its tail, S2.</summary>
    public static byte[] ServerKey { get; } = ServerKeyBytes.ToArray();

    /// <summary>Looks for a valid digest in C1 or S1; null when it has none (a simple handshake).</summary>
    public static byte[]? Find(ReadOnlySpan<byte> hello, byte[] key, out int scheme)
    {
        for (scheme = 0; scheme < Schemes.Length; scheme++)
        {
            int at = Place(hello, scheme);
            byte[] digest = Sign(hello, at, key);
            if (digest.AsSpan().SequenceEqual(hello.Slice(at, Length)))
                return digest;
        }

        return null;
    }

    /// <summary>Signs C1 or S1 in place and returns the digest.</summary>
    public static byte[] Imprint(Span<byte> hello, byte[] key, int scheme)
    {
        int at = Place(hello, scheme);
        byte[] digest = Sign(hello, at, key);
        digest.CopyTo(hello[at..]);
        return digest;
    }

    /// <summary>
    /// Fills S2 or C2: random bytes and their signature, which only who has seen the other's digest can make.
    /// </summary>
    public static void Answer(Span<byte> answer, byte[] key, byte[] peerDigest)
    {
        Span<byte> random = answer[..^Length];
        RandomNumberGenerator.Fill(random);
        HMACSHA256.HashData(AnswerKey(key, peerDigest), random, answer[^Length..]);
    }

    /// <summary>Whether S2 or C2 answers this digest.</summary>
    public static bool IsAnswer(ReadOnlySpan<byte> answer, byte[] key, byte[] digest) =>
        HMACSHA256.HashData(AnswerKey(key, digest), answer[..^Length]).AsSpan().SequenceEqual(answer[^Length..]);

    private static byte[] AnswerKey(byte[] key, byte[] digest) =>
        HMACSHA256.HashData((byte[])[.. key, .. KeyTail], digest);

    private static int Place(ReadOnlySpan<byte> hello, int scheme)
    {
        int at = Schemes[scheme];
        int sum = hello[at] + hello[at + 1] + hello[at + 2] + hello[at + 3];
        return at + 4 + sum % 728;
    }

    private static byte[] Sign(ReadOnlySpan<byte> hello, int at, byte[] key)
    {
        Span<byte> rest = stackalloc byte[HandshakeSizes.Hello - Length];
        hello[..at].CopyTo(rest);
        hello[(at + Length)..].CopyTo(rest[at..]);
        return HMACSHA256.HashData(key, rest);
    }
}

/// <summary>The lengths of the handshake's parts (RTMP 1.0, section 5.2).</summary>
internal static class HandshakeSizes
{
    /// <summary>C0 or S0: the version.</summary>
    public const int Version = 1;

    /// <summary>C1, S1, C2 or S2.</summary>
    public const int Hello = 1536;

    /// <summary>All that one side sends.</summary>
    public const int Side = Version + 2 * Hello;

    /// <summary>The only version that is spoken; 6, 8 and 9 are Adobe's encrypted RTMPE.</summary>
    public const byte RtmpVersion = 3;
}
