using System.Buffers.Binary;
using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Packaging;

/// <summary>The records of a stream as an ingest may stamp them, all from one seed.</summary>
internal sealed class RandomFeed
{
    private static readonly byte[][] AvcRecords =
    [
        Convert.FromHexString(
            "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800"),
        Convert.FromHexString("0142c02affe100186742c02ada01e0089f970110000003001000000780f1832a01000468ce0fc8"),
    ];

    private static readonly byte[] HevcRecord = Convert.FromHexString(
        "0101600000009000000000003cf000fcfdf8f800000f02210001002942010101600000030090000003000003003ca00a480b9c95965" +
        "66924caf01680800001f480003a980422000100074401c172b46240");

    private static readonly byte[] Av1Record = Convert.FromHexString("81000c000a0b000000043d06d402f80040");

    /// <summary>What stands after the record's first four bytes.</summary>
    private static readonly byte[] Av1SequenceHeader = Av1Record[4..];

    /// <summary>AAC, HE-AAC and MP3.</summary>
    private static readonly (Codec Codec, byte[] Record, int Rate, int Samples)[] Sounds =
    [
        (Codec.Aac, [0x12, 0x10], 44100, 1024),
        (Codec.Aac, [0x11, 0x90], 48000, 1024),
        (Codec.Aac, [0x2B, 0x11, 0x88, 0x00], 48000, 2048),
        (Codec.Mp3, [0xFF, 0xFB, 0x00, 0x00], 44100, 1152),
    ];

    private static readonly byte[] OpusRecord = Convert.FromHexString("4F707573486561640102380180BB0000000000");

    private readonly Random _random;
    private readonly List<FeedRecord> _records = [];
    private readonly FeedHash _hash;
    private readonly bool _lowerEpochs;
    private readonly bool _everyCodec;
    private readonly bool _extraTracks;
    private readonly double _fps;
    private readonly bool _reorders;
    private readonly bool _irregular;
    private StreamEpoch _epoch;
    private ImmutableArray<TrackConfig> _tracks = [];
    private List<ExtraTrack> _extras = [];
    private int _audioRate;
    private int _audioSamples;
    private long _msn;
    private long _time;
    private long _pictures;
    private long _samples;
    private long _origin;
    private long _discontinuities;

    private RandomFeed(int seed, bool lowerEpochs, bool everyCodec, bool extraTracks, FeedHash hash)
    {
        (_hash, _lowerEpochs, _everyCodec, _extraTracks) = (hash, lowerEpochs, everyCodec, extraTracks);
        _random = new Random(seed);
        _fps = Pick(30, 30000 / 1001.0, 25, 60);
        _reorders = _random.Next(2) == 0;
        _irregular = _random.Next(2) == 0;
        _msn = _random.NextInt64(1L << 40);
        // Some streams are old enough for the 33-bit clock of MPEG-TS, and for 32 bits, to have wrapped or to wrap now.
        _origin = _time = Pick(0, 90_000 * _random.NextInt64(1_000_000), (1L << 33) - 300_000, (1L << 32) - 300_000);
        var target = 2 + _random.Next(9);
        _epoch = new StreamEpoch("live/show", (uint)_random.Next(1, 9), Guid.Empty, 1_900_000_000_000, target);
        ChangeTracks();
        var segments = _random.Next(5, 10);
        for (var i = 0; i < segments; i++) AddSegment(first: i == 0);
    }

    /// <param name="lowerEpochs">Whether an ingest that was thought dead puts its word in, too.</param>
    /// <param name="everyCodec">AV1 and Opus, too, which MPEG-TS does not carry.</param>
    /// <param name="extraTracks">Audio tracks beside the first one, which may be silent for a while.</param>
    public static IReadOnlyList<FeedRecord> Of(
        int seed, bool lowerEpochs, bool everyCodec = false, bool extraTracks = false)
    {
        using var hash = new FeedHash();
        return new RandomFeed(seed, lowerEpochs, everyCodec, extraTracks, hash)._records;
    }

    private bool HasVideo => _tracks.Any(track => track.IsVideo);

    private bool HasAudio => _tracks.Any(track => track.TrackId == 2);

    private void AddSegment(bool first)
    {
        var discontinuity = false;
        if (!first && _random.Next(6) == 0)
        {
            // A publisher left and came back, or changed its codecs: a new epoch, and time goes on after a pause.
            _epoch = _epoch with { EpochId = _epoch.EpochId + 1, TimelineId = _epoch.EpochId + 1 };
            _origin = _time += _random.Next(0, 900_000);
            (_pictures, _samples) = (0, 0);
            _extras.ForEach(extra => extra.Samples = 0);
            discontinuity = true;
            _discontinuities++;
            if (_random.Next(2) == 0) ChangeTracks();
        }

        var begin = new SegmentBegin(
            _epoch, _msn, _time, discontinuity, _discontinuities, Independent: true, AllIndependent: true, _tracks);
        if (_random.Next(8) == 0) AddAbandoned(begin);
        if (_lowerEpochs && !first && _random.Next(8) == 0) AddFromLowerEpoch(begin);

        var end = _time + Length();
        var units = UnitsUntil(end);
        Add(begin, units);
        _records.Add(new FeedRecord(new SegmentEnd(_msn, end - _time, units.Count, _hash.End(), IsShort: false)));
        if (_random.Next(4) == 0) _records.Add(new FeedRecord(new FeedState(FeedActivity.Live, _epoch.EpochId, _msn)));
        (_time, _msn) = (end, _msn + 1);
    }

    private void AddAbandoned(SegmentBegin begin)
    {
        _records.Add(new FeedRecord(begin with { Time = begin.Time + 1 }));
        for (var i = _random.Next(3); i > 0; i--) _records.Add(new FeedRecord(Video(begin.Time, i == 1)));
    }

    /// <summary>
    /// What an ingest that was thought dead still says: a whole and right segment, under a number of now.
    /// </summary>
    private void AddFromLowerEpoch(SegmentBegin begin)
    {
        var old = begin with { Epoch = begin.Epoch with { EpochId = 0, TimelineId = 0 }, Time = begin.Time + 5 };
        Add(old, []);
        _records.Add(new FeedRecord(new SegmentEnd(begin.Msn, 90_000, 0, _hash.End(), IsShort: true)));
    }

    private void Add(SegmentBegin begin, IReadOnlyList<AccessUnit> units)
    {
        _records.Add(new FeedRecord(begin));
        _hash.Begin(begin);
        foreach (var unit in units)
        {
            _records.Add(new FeedRecord(unit));
            _hash.Append(unit);
        }
    }

    private void ChangeTracks()
    {
        var (codec, record, rate, samples) = Pick(Sounds);
        if (_everyCodec && _random.Next(3) == 0) (codec, record, rate, samples) = (Codec.Opus, OpusRecord, 48000, 0);
        var video = _everyCodec && _random.Next(3) == 0
            ? new TrackConfig(1, Codec.Av1, Av1Record)
            : _random.Next(3) == 0
                ? new TrackConfig(1, Codec.H265, HevcRecord)
                : new TrackConfig(1, Codec.H264, Pick(AvcRecords));
        var audio = new TrackConfig(2, codec, record);
        (_audioRate, _audioSamples) = (rate, samples);
        _tracks = _random.Next(6) switch { 0 => [video], 1 => [audio], _ => [video, audio] };
        if (!_extraTracks)
            return;
        _extras = [.. Enumerable.Range(3, 6).Where(_ => _random.Next(3) == 0).Select(trackId =>
        {
            // Sometimes as the first one is, as an ingest stamps those that went.
            var sound = _random.Next(2) == 0 && codec != Codec.Opus ? (codec, record, rate, samples) : Pick(Sounds);
            return new ExtraTrack(new TrackConfig((byte)trackId, sound.Item1, sound.Item2), sound.Item3, sound.Item4);
        })];
        _tracks = [.. _tracks, .. _extras.Select(extra => extra.Config)];
    }

    private long Length()
    {
        if (!HasVideo) return 1024L * 90_000 / _audioRate * _random.Next(40, 80);
        var pictures = _irregular ? _random.Next(10, 120) : (int)Math.Round(_fps * 2);
        return DtsOf(_pictures + pictures) - _time;
    }

    /// <summary>Whole milliseconds, as RTMP has them.</summary>
    private long DtsOf(long picture) => _origin + (90 * (long)Math.Round(picture * 1000 / _fps));

    private long AudioDtsOf(long sample) => _origin + (sample * 90_000 / _audioRate);

    private List<AccessUnit> UnitsUntil(long end)
    {
        var units = new List<AccessUnit>();
        for (var first = true; HasVideo && DtsOf(_pictures) < end; first = false)
            units.Add(Video(DtsOf(_pictures++), first));
        while (HasAudio && AudioDtsOf(_samples) < end)
        {
            var position = (_origin * _audioRate / 90_000) + _samples;
            var (frame, samples) = Sound();
            units.Add(new AccessUnit(2, AudioDtsOf(_samples), 0, position, IsKeyframe: true, frame));
            _samples += samples;
        }

        foreach (var extra in _extras)
            AddExtra(extra, end, isSilent: _random.Next(4) == 0, units);

        // A sound card that slept: the ingest sets its clock anew.
        if (_random.Next(5) == 0) _samples += _random.Next(1, 20_000);
        return [.. units.OrderBy(unit => unit.Dts).ThenBy(unit => unit.TrackId)];
    }

    private void AddExtra(ExtraTrack extra, long end, bool isSilent, List<AccessUnit> units)
    {
        for (long dts; (dts = _origin + (extra.Samples * 90_000 / extra.Rate)) < end; extra.Samples += extra.PerFrame)
        {
            if (isSilent) continue;
            var position = (_origin * extra.Rate / 90_000) + extra.Samples;
            ReadOnlyMemory<byte> frame = extra.Config.Codec == Codec.Mp3
                ? (byte[])[0xFF, 0xFB, 0x90, 0x00, .. Bytes(413).Span]
                : Bytes(_random.Next(1, 400));
            units.Add(new AccessUnit(extra.Config.TrackId, dts, 0, position, IsKeyframe: true, frame));
        }
    }

    private AccessUnit Video(long dts, bool key)
    {
        var frame = (int)Math.Round(90_000 / _fps);
        if (_tracks[0].Codec == Codec.Av1)
            return new AccessUnit(1, dts, 0, 0, key, Av1Picture(key));
        var offset = !_reorders ? 0 : key ? 2 * frame : _random.Next(-1, 4) * frame;
        var isHevc = _tracks.Any(track => track.Codec == Codec.H265);
        var header = isHevc ? (byte[])(key ? [0x26, 0x01] : [0x02, 0x01]) : key ? [0x65] : [0x41];
        var nal = header.Concat(Bytes(_random.Next(1, key ? 3000 : 500)).ToArray()).ToArray();
        var payload = new byte[4 + nal.Length];
        BinaryPrimitives.WriteInt32BigEndian(payload, nal.Length);
        nal.CopyTo(payload, 4);
        return new AccessUnit(1, dts, offset, 0, key, payload);
    }

    private byte[] Av1Picture(bool key)
    {
        var body = Bytes(100 + _random.Next(20));
        byte[] frame = [0x32, (byte)(body.Length + 1), key ? (byte)0x10 : (byte)0x30, .. body.Span];
        return key ? [.. Av1SequenceHeader, .. frame] : frame;
    }

    /// <summary>Opus packets of 10, 20 and 40 ms; MP3 frames of 128 kbit/s; anything for AAC.</summary>
    private (ReadOnlyMemory<byte> Frame, int Samples) Sound()
    {
        switch (_tracks.Last(track => track.TrackId <= 2).Codec)
        {
            case Codec.Opus:
                var (first, samples) = Pick<(byte, int)>((0 << 3, 480), (1 << 3, 960), (2 << 3, 1920));
                return ((byte[])[first, .. Bytes(_random.Next(1, 200)).Span], samples);
            case Codec.Mp3:
                return ((byte[])[0xFF, 0xFB, 0x90, 0x00, .. Bytes(413).Span], _audioSamples);
            default:
                return (Bytes(_random.Next(1, 400)), _audioSamples);
        }
    }

    private ReadOnlyMemory<byte> Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private sealed class ExtraTrack(TrackConfig config, int rate, int perFrame)
    {
        public TrackConfig Config => config;

        public int Rate => rate;

        public int PerFrame => perFrame;

        public long Samples { get; set; }
    }

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];
}
