namespace Steadycast.Protocols.Codecs;

/// <summary>
/// The codecs that have a name here; what is not listed is carried by RTMP untouched and not packaged.
/// </summary>
public enum Codec : byte
{
    H264 = 1,
    H265 = 2,
    Av1 = 3,
    Vp9 = 4,
    Aac = 16,
    Mp3 = 17,
    Opus = 18,
}
