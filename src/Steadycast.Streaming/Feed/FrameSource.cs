namespace Steadycast.Streaming.Feed;

/// <summary>One stream's messages in, its publisher's frames out, both tracks on one base of time.</summary>
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

    /// <summary>True when the message brings a frame.</summary>
    /// <param name="input">The next message.</param>
    /// <param name="utcMs">When it came.</param>
    /// <param name="maxForwardMs">The longest silence that is not a jump.</param>
    /// <param name="frame">What it brings.</param>
    /// <param name="broken">Why it does not go on from the one before, with or without a frame; null: it does.</param>
    public bool TryRead(
        in CutterInput input, long utcMs, long maxForwardMs, out MediaFrame frame, out DiscontinuityCause? broken)
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

        if (!_reader.TryRead(input.Type, input.Payload, out frame))
            return false;
        var time = _wire.Unwrap(frame.IsVideo, input.Timestamp);
        if (!_alignment.TryFollow(frame.IsVideo, time, maxForwardMs, out var aligned))
        {
            _alignment.Reset();
            broken ??= DiscontinuityCause.Timestamps;
            _alignment.TryFollow(frame.IsVideo, time, maxForwardMs, out aligned);
        }

        frame = frame with { TimeMs = aligned, UtcMs = utcMs };
        return true;
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
