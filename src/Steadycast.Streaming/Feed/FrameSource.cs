namespace Steadycast.Streaming.Feed;

/// <summary>One stream's messages in, its publisher's frames out, all tracks on one base of time.</summary>
/// <remarks>
/// Also says where what follows does not go on from what came before: another publisher, a loss, a jump in time.
/// </remarks>
internal sealed class FrameSource(CutterCounters counters)
{
    private readonly FrameReader _reader = new(counters);
    private readonly WireClock _wire = new();
    private readonly Alignment _alignment = new(counters);
    private int? _publication;

    public bool HasPublisher => _publication is not null;

    /// <summary>Whether the publisher has said anything of video that can be packaged.</summary>
    public bool HasVideo => _reader.HasVideo;

    /// <summary>Reads a message; it may bring a frame of each of several tracks.</summary>
    /// <param name="input">The next message.</param>
    /// <param name="utcMs">When it came.</param>
    /// <param name="maxForwardMs">The longest silence that is not a jump.</param>
    /// <param name="frames">Replaced by what it brings.</param>
    /// <param name="broken">Why it does not go on from the one before, with or without a frame; null: it does.</param>
    public void Read(
        in CutterInput input, long utcMs, long maxForwardMs, List<MediaFrame> frames, out DiscontinuityCause? broken)
    {
        broken = null;
        if (_publication is { } publication && publication != input.Publication)
        {
            Reset();
            broken = DiscontinuityCause.Publisher;
        }

        _publication = input.Publication;
        if (input.AfterLoss)
        {
            _alignment.Reset();
            broken ??= DiscontinuityCause.Loss;
        }

        frames.Clear();
        _reader.Read(input.Type, input.Payload, frames);
        var times = new long[frames.Count];
        for (var i = 0; i < times.Length; i++)
            times[i] = _wire.Unwrap(frames[i].TrackId, input.Timestamp);
        if (TryFollow(frames, times, utcMs, maxForwardMs))
            return;
        _alignment.Reset();
        broken ??= DiscontinuityCause.Timestamps;
        TryFollow(frames, times, utcMs, maxForwardMs);
    }

    private bool TryFollow(List<MediaFrame> frames, long[] times, long utcMs, long maxForwardMs)
    {
        var follow = true;
        for (var i = 0; i < times.Length; i++)
        {
            follow &= _alignment.TryFollow(frames[i].TrackId, times[i], maxForwardMs, out var aligned);
            frames[i] = frames[i] with { TimeMs = aligned, UtcMs = utcMs };
        }

        return follow;
    }

    /// <summary>The publisher has gone.</summary>
    public void Reset()
    {
        _publication = null;
        _reader.Reset();
        _wire.Reset();
        _alignment.Reset();
    }
}
