namespace Steadycast.Protocols.Codecs;

/// <summary>What a decoder must know of a track before its first frame.</summary>
/// <param name="TrackId">1 is video, 2 is audio; further tracks count on from 3.</param>
/// <param name="Codec">How the track's frames are coded.</param>
/// <param name="Record">
/// H264: AVCDecoderConfigurationRecord; H265: HEVCDecoderConfigurationRecord; Av1: av1C; Aac: AudioSpecificConfig;
/// Opus: the identification header; Mp3: <see cref="Mp3Config.Record"/>.
/// </param>
public sealed record TrackConfig(byte TrackId, Codec Codec, ReadOnlyMemory<byte> Record)
{
    public bool IsVideo => Codec < Codec.Aac;

    public bool Equals(TrackConfig? other) =>
        other is not null
        && TrackId == other.TrackId
        && Codec == other.Codec
        && Record.Span.SequenceEqual(other.Record.Span);

    public override int GetHashCode() => HashCode.Combine(TrackId, Codec, Record.Length);
}
