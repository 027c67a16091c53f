using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Finds out whether a follower's own publisher sends what its leader's does, and if so stamps it as the leader would:
/// then it can go on in the leader's place without a seam. Pure; not thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// The lock is sought at a segment that the leader begins with a keyframe: two of our own pictures, this keyframe and
/// the one before, must have the hashes of the leader's, and no other pair of either side may (a still picture repeats
/// itself). From there on a cutter of our own runs with our frames, at the media time and the audio position of the
/// leader's records. It holds for as long as the hashes of both's segments are equal: they cover every byte, every time
/// and every cut. Clocks and the publishers' timestamps play no part, but for which of equal audio frames is meant.
/// </para>
/// <para>
/// Kept are our frames since they may still be sought, and what our cutter said since the last segment that was found
/// equal; both are bounded.
/// </para>
/// </remarks>
internal sealed class HashLock(Guid ingestId, int segmentSeconds) : IDisposable
{
    /// <summary>How far our publisher may be ahead of the leader's records for the lock to be found.</summary>
    public const long ReachMs = 6000;

    private const int MaxBytes = 32 << 20;

    /// <summary>How many segments one side may be ahead of the other.</summary>
    private const int MaxSegments = 8;

    /// <summary>Keyframes that are looked through for one that repeats.</summary>
    private const int MaxPairs = 32;

    /// <summary>Fewer would not show that two pictures alternate, as those of x264 do where nothing moves.</summary>
    private const int MinPairs = 3;

    /// <summary>An audio clock may differ by 50 ms from its timestamps (<see cref="AudioClock"/>).</summary>
    private const long MaxAudioTicks = 60 * 90;

    private readonly FrameSource _source = new(new CutterCounters());
    private readonly Keyframes _ours = new();
    private readonly Queue<(MediaFrame Frame, KeyframePair? Pair)> _frames = [];
    private readonly Keyframes _leaders = new();
    private readonly List<Landmark> _landmarks = [];
    private readonly Queue<SegmentEnd> _leaderEnds = [];
    private readonly List<FeedRecord> _records = [];
    private readonly Queue<SegmentEnd> _ends = [];
    private readonly List<MediaFrame> _read = [];
    private StreamEpoch? _epoch;
    private Landmark? _begun;
    private bool _isOpen;
    private byte? _video;
    private Cutter? _shadow;
    private long _bytes;
    private long _verified = -1;

    /// <summary>Whether the last segment of both was the same.</summary>
    public bool IsLocked => _verified >= 0;

    /// <summary>Whether the leader has ended segments that our publisher has not come to yet.</summary>
    public bool IsBehind => IsLocked && _leaderEnds.Count > 0;

    /// <summary>A message of our publisher.</summary>
    public void Push(in CutterInput input, long utcMs)
    {
        var maxForwardMs = Alignment.MaxForwardMsOf(_epoch?.TargetDurationSeconds);
        _source.Read(input, utcMs, maxForwardMs, _read, out var broken);
        if (broken is not null)
            Seek();
        foreach (var frame in _read)
            Push(frame);
    }

    private void Push(in MediaFrame frame)
    {
        if (_shadow is not null)
        {
            Add(frame);
            Compare();
            return;
        }

        var pair = frame is { IsVideo: true, IsKeyframe: true } ? _ours.Add(frame.Payload.Span) : null;
        _frames.Enqueue((frame, pair));
        _bytes += frame.Payload.Length;
        while (_bytes > MaxBytes || frame.TimeMs - _frames.Peek().Frame.TimeMs > ReachMs)
            _bytes -= _frames.Dequeue().Frame.Payload.Length;
        TryJoin();
    }

    /// <summary>Our publisher has gone.</summary>
    public void Forget()
    {
        _source.Reset();
        Seek();
    }

    /// <summary>A record of the leader, from the first one that is passed on.</summary>
    public void Take(in FeedRecord record)
    {
        switch (record.Kind)
        {
            case FeedRecordKind.Begin:
                Take(record.Begin!);
                break;
            case FeedRecordKind.AccessUnit:
                Take(record.AccessUnit);
                break;
            case FeedRecordKind.End:
                Take(record.End!);
                break;
        }
    }

    /// <summary>
    /// Our cutter in the leader's place, in the next epoch, when all that the leader ended was the same; null: no lock.
    /// </summary>
    /// <param name="numbers">Those to go on with, of all that is known.</param>
    /// <param name="output">Takes what the cutter has said of the segments that the leader did not end.</param>
    public Cutter? TakeOver(StreamNumbers? numbers, List<FeedRecord> output)
    {
        if (!IsLocked || IsBehind || numbers is null || numbers.NextMsn != _verified + 1
            || numbers.EpochId != _epoch!.EpochId)
            return null;
        var cutter = _shadow!;
        cutter.TakeOver(_records);
        output.AddRange(_records);
        _shadow = null;
        Seek();
        return cutter;
    }

    public void Dispose() => _shadow?.Dispose();

    private void Take(SegmentBegin begin)
    {
        if (begin.Epoch != _epoch)
        {
            // Another timeline, or another leader on it: it goes on in a way that only its own cutter knows.
            if (_shadow is not null)
                Seek();
            _landmarks.Clear();
            _leaderEnds.Clear();
            _epoch = begin.Epoch;
        }

        if (_isOpen)
        {
            // Taken back, and its pictures with it.
            _leaders.Clear();
            _landmarks.RemoveAll(landmark => landmark.Begin.Msn >= begin.Msn);
        }

        _isOpen = true;
        _video = begin.Tracks.FirstOrDefault(track => track.IsVideo)?.TrackId;
        _begun = begin.Independent && _video is not null ? new Landmark(begin) : null;
    }

    private void Take(in AccessUnit unit)
    {
        var isVideo = unit.TrackId == _video;
        var pair = isVideo && unit.IsKeyframe ? _leaders.Add(unit.Payload.Span) : null;
        if (_begun is null)
            return;
        if (_begun.Pair is null)
        {
            _begun.Pair = unit.Dts == _begun.Begin.Time ? pair : null;
            _begun = _begun.Pair is null ? null : _begun;
        }
        else if (!isVideo)
        {
            _begun.Sounds.TryAdd(unit.TrackId, unit);
        }

        if (_begun is not { IsWhole: true })
            return;
        _landmarks.Add(_begun);
        if (_landmarks.Count > MaxSegments)
            _landmarks.RemoveAt(0);
        _begun = null;
        TryJoin();
    }

    private void Take(SegmentEnd end)
    {
        (_begun, _isOpen) = (null, false);
        _leaderEnds.Enqueue(end);
        // Its publisher has left, and ours has not.
        if (_shadow is not null && (end.IsShort && _ends.Count == 0 || _leaderEnds.Count > MaxSegments))
            Seek();
        if (_leaderEnds.Count > MaxSegments)
            _leaderEnds.Dequeue();
        Compare();
    }

    private void TryJoin()
    {
        if (_shadow is not null || _leaders.Pairs.Count < MinPairs)
            return;
        for (var i = _landmarks.Count - 1; i >= 0; i--)
        {
            var landmark = _landmarks[i];
            if (!_ours.HasOnce(landmark.Pair!.Value) || !_leaders.HasOnce(landmark.Pair.Value))
                continue;
            if (FindStart(landmark) is not { } start)
                continue;
            Join(landmark, start);
            return;
        }
    }

    /// <summary>Our frames that are the leader's first ones of a segment; null: they are not all here.</summary>
    private (MediaFrame Video, Dictionary<byte, MediaFrame> Sounds)? FindStart(Landmark landmark)
    {
        var begin = landmark.Begin;
        MediaFrame? video = null;
        foreach (var (frame, pair) in _frames)
            video = pair == landmark.Pair ? frame : video;

        if (video is not { } first || !begin.Tracks.Contains(first.Track.Config))
            return null;
        var sounds = new Dictionary<byte, MediaFrame>();
        foreach (var unit in landmark.Sounds.Values)
        {
            if (FindSound(begin, first, unit) is not { } sound)
                return null;
            sounds.Add(unit.TrackId, sound);
        }

        return (first, sounds);
    }

    private MediaFrame? FindSound(SegmentBegin begin, in MediaFrame first, in AccessUnit unit)
    {
        MediaFrame? found = null;
        var least = MaxAudioTicks + 1;
        foreach (var (frame, _) in _frames)
        {
            var error = Math.Abs(begin.Time + ((frame.TimeMs - first.TimeMs) * 90) - unit.Dts);
            if (frame.TrackId != unit.TrackId || error >= least
                || !frame.Payload.Span.SequenceEqual(unit.Payload.Span) || !begin.Tracks.Contains(frame.Track.Config))
                continue;
            (found, least) = (frame, error);
        }

        return found;
    }

    private void Join(Landmark landmark, (MediaFrame Video, Dictionary<byte, MediaFrame> Sounds) start)
    {
        var clocks = start.Sounds.ToDictionary(sound => sound.Key, sound => new AudioClock(
            sound.Value.Track.SampleRate, landmark.Sounds[sound.Key].SamplePosition));
        _shadow = new Cutter(landmark.Begin, start.Video, clocks, _source, ingestId, segmentSeconds);
        var frames = _frames.ToArray();
        _frames.Clear();
        _bytes = 0;
        var started = new HashSet<byte>();
        foreach (var (frame, _) in frames)
        {
            var isFirst = frame.IsVideo
                ? frame.Payload.Equals(start.Video.Payload)
                : start.Sounds.TryGetValue(frame.TrackId, out var sound) && frame.Payload.Equals(sound.Payload);
            if (isFirst)
                started.Add(frame.TrackId);
            if (started.Contains(frame.TrackId))
                Add(frame);
        }

        while (_leaderEnds.TryPeek(out var end) && end.Msn < landmark.Begin.Msn)
            _leaderEnds.Dequeue();
        Compare();
    }

    private void Add(in MediaFrame frame)
    {
        var before = _records.Count;
        _shadow!.Add(frame, _records);
        for (var i = before; i < _records.Count; i++)
        {
            _bytes += _records[i].AccessUnit.Payload.Length;
            if (_records[i].End is { } end)
                _ends.Enqueue(end);
        }

        // The leader says nothing any more, or what it says takes too long to come.
        if (_bytes > MaxBytes || _ends.Count > MaxSegments)
            Seek();
    }

    private void Compare()
    {
        while (_ends.TryPeek(out var ours) && _leaderEnds.TryPeek(out var leaders))
        {
            if (ours.Msn != leaders.Msn || ours.Duration != leaders.Duration || ours.IsShort != leaders.IsShort
                || !ours.Hash.Span.SequenceEqual(leaders.Hash.Span))
            {
                Seek();
                return;
            }

            _ends.Dequeue();
            _leaderEnds.Dequeue();
            _verified = ours.Msn;
            var count = _records.FindIndex(record => record.End?.Msn == ours.Msn) + 1;
            _bytes -= _records.Take(count).Sum(record => (long)record.AccessUnit.Payload.Length);
            _records.RemoveRange(0, count);
        }
    }

    /// <summary>No lock, or none any more: sought from the next frames on.</summary>
    private void Seek()
    {
        _shadow?.Dispose();
        _shadow = null;
        _records.Clear();
        _ends.Clear();
        _frames.Clear();
        _ours.Clear();
        (_bytes, _verified) = (0, -1);
    }

    /// <summary>A segment of the leader at which our frames may join.</summary>
    private sealed class Landmark(SegmentBegin begin)
    {
        public SegmentBegin Begin => begin;

        /// <summary>Of the keyframe with which it begins; null: not seen yet.</summary>
        public KeyframePair? Pair { get; set; }

        /// <summary>The first frame of each audio track; one that is silent does not show how to go on.</summary>
        public Dictionary<byte, AccessUnit> Sounds { get; } = [];

        public bool IsWhole => Pair is not null && Sounds.Count == begin.Tracks.Count(track => !track.IsVideo);

        public bool IsVideo(byte trackId) => begin.Tracks.Any(track => track.TrackId == trackId && track.IsVideo);
    }

    /// <summary>The newest pairs of hashes of a publisher's keyframes.</summary>
    private sealed class Keyframes
    {
        private UInt128? _last;

        public Queue<KeyframePair> Pairs { get; } = [];

        /// <summary>The pair that it makes with the one before; null: there is none.</summary>
        public KeyframePair? Add(ReadOnlySpan<byte> picture)
        {
            Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(picture, bytes);
            var hash = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            var before = _last;
            _last = hash;
            if (before is not { } older)
                return null;
            var pair = new KeyframePair(hash, older);
            Pairs.Enqueue(pair);
            if (Pairs.Count > MaxPairs)
                Pairs.Dequeue();
            return pair;
        }

        public bool HasOnce(KeyframePair pair) => Pairs.Count(other => other == pair) == 1;

        public void Clear()
        {
            Pairs.Clear();
            _last = null;
        }
    }

    private readonly record struct KeyframePair(UInt128 Newer, UInt128 Older);
}
