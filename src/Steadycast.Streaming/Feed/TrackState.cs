using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>One track of one publisher: what it announced, and the configuration in force.</summary>
internal sealed class TrackState(byte trackId, CutterCounters counters)
{
    private TrackConfig? _announced;

    /// <summary>Null before the first configuration that can be read.</summary>
    public TrackDescription? Track { get; private set; }

    /// <summary>The configuration in force, where it is AV1's.</summary>
    public Av1Config? Av1 { get; private set; }

    public void Reset() => (_announced, Track, Av1) = (null, null, null);

    /// <summary>A sequence header message.</summary>
    public void Announce(Codec codec, ReadOnlyMemory<byte> record)
    {
        // Encoders repeat the same record, some before every keyframe (SRS #4695): only other bytes are a change. They
        // are compared with what was announced, since keyframes may have brought more than that.
        var config = new TrackConfig(trackId, codec, record);
        if (config.Equals(_announced))
            return;
        if (Configure(codec, record))
            _announced = Track!.Config;
    }

    /// <summary>
    /// Takes a configuration over, unless it is the one in force. False, with the track as it was, when it breaks its
    /// format: a record that no decoder can read cannot be what the track's frames need.
    /// </summary>
    public bool Configure(Codec codec, ReadOnlyMemory<byte> record)
    {
        var config = new TrackConfig(trackId, codec, record);
        if (Track is not null && config.Equals(Track.Config))
            return true;
        try
        {
            if (record.Length > FeedCodec.MaxTrackRecordBytes)
                throw new CodecFormatException(codec.ToString(), record.Length, "The record is too long");
            config = config with { Record = record.ToArray() };
            var described = TrackDescription.Of(config);
            if (!config.IsVideo && (described.SampleRate <= 0 || described.SamplesPerFrame <= 0))
                throw new CodecFormatException(codec.ToString(), 0, "No sample rate");
            (Track, Av1) = (described, codec == Codec.Av1 ? Av1Config.Parse(config.Record) : null);
            return true;
        }
        catch (CodecFormatException)
        {
            counters.Drop(FeedDrop.BadConfiguration);
            return false;
        }
    }
}
