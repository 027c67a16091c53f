using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Flv;

/// <summary>The four-character codes of Enhanced RTMP v2, big-endian as on the wire.</summary>
public static class FourCc
{
    public const uint Avc1 = 0x61766331;
    public const uint Hvc1 = 0x68766331;
    public const uint Av01 = 0x61763031;
    public const uint Vp09 = 0x76703039;
    /// <summary>Carried only, but it has a composition time.</summary>
    public const uint Vvc1 = 0x76766331;
    public const uint Mp4a = 0x6D703461;
    public const uint Mp3 = 0x2E6D7033;
    public const uint Opus = 0x4F707573;

    /// <summary>
    /// The codec behind a code, or null for one that is only carried (vp08, vvc1, fLaC, ac-3, ec-3, ...).
    /// </summary>
    public static Codec? ToCodec(uint fourCc) => fourCc switch
    {
        Avc1 => Codec.H264,
        Hvc1 => Codec.H265,
        Av01 => Codec.Av1,
        Vp09 => Codec.Vp9,
        Mp4a => Codec.Aac,
        Mp3 => Codec.Mp3,
        Opus => Codec.Opus,
        _ => null,
    };

    public static uint Of(Codec codec) => codec switch
    {
        Codec.H264 => Avc1,
        Codec.H265 => Hvc1,
        Codec.Av1 => Av01,
        Codec.Vp9 => Vp09,
        Codec.Aac => Mp4a,
        Codec.Mp3 => Mp3,
        Codec.Opus => Opus,
        _ => 0,
    };
}
