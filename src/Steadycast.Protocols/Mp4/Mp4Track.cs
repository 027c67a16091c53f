using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Mp4;

/// <summary>One track of an initialisation section.</summary>
public sealed record Mp4Track(TrackDescription Description)
{
    /// <summary>
    /// Ticks per second of the track's tfdt and sample durations: 90000 for video, the sample rate for audio.
    /// </summary>
    public int Timescale => IsVideo ? 90000 : Description.SampleRate;

    public byte TrackId => Description.Config.TrackId;

    public bool IsVideo => Description.Config.IsVideo;

    /// <exception cref="CodecFormatException">
    /// The record is malformed, or the codec is one that is not packaged.
    /// </exception>
    public static Mp4Track Of(TrackConfig config) => new(TrackDescription.Of(config));
}
