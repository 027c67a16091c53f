namespace Steadycast.Streaming.Viewing;

/// <summary>
/// Whether the bytes of each segment go on where those of the one before ended: "Each Media Segment MUST carry the
/// continuation of the encoded bitstream from the end of the segment with the previous Media Sequence Number"
/// (draft-pantos-hls-rfc8216bis, section 3). Playlists and stall meters do not see it when they do not.
/// </summary>
internal sealed class MediaContinuity(SeamLog seams)
{
    private readonly Dictionary<int, TrackSpan> _before = [];
    private TsTimes _ts = new();
    private long? _previous;

    /// <summary><c>fmp4</c>, <c>ts</c>, <c>packed_audio</c>, or null when nothing was recognised yet.</summary>
    public string? Container { get; private set; }

    /// <summary>Something is missing and has been reported: the next segment begins anew.</summary>
    public void Break()
    {
        _before.Clear();
        _ts = new TsTimes();
        _previous = null;
    }

    public void Check(ListedSegment listed, ReadOnlyMemory<byte> map, ReadOnlyMemory<byte> bytes, TimeSpan now)
    {
        if (listed.Segment.Discontinuity || listed.Msn != _previous + 1)
            Break();
        _previous = listed.Msn;
        // Not for us to decrypt; the playlist's promises are checked nevertheless.
        if (!listed.Segment.Keys.IsEmpty)
            return;
        var segment = bytes.Span;
        var spans = new List<TrackSpan>();
        bool whole;
        if (IsTransportStream(segment))
        {
            Container = "ts";
            var errors = _ts.ContinuityErrors;
            whole = _ts.TryRead(segment, listed.Segment.Duration, spans);
            if (_ts.ContinuityErrors > errors)
                seams.Add(SeamKind.ContinuityCounter, now, listed.Msn,
                    $"{_ts.ContinuityErrors - errors} continuity counters do not continue.");
        }
        else if (IsMp4(segment))
        {
            Container = "fmp4";
            whole = Fmp4Times.TryRead(segment, Fmp4Times.ReadTracks(map.Span), spans);
        }
        else if (IsPackedAudio(segment))
        {
            Container ??= "packed_audio";
            return;
        }
        else
            whole = false;

        if (!whole)
            seams.Add(SeamKind.Malformed, now, listed.Msn,
                $"The {bytes.Length} bytes of number {listed.Msn} are not whole {Container ?? "media"}.");
        foreach (var span in spans)
            Compare(span, listed.Msn, now);
    }

    private void Compare(in TrackSpan span, long msn, TimeSpan now)
    {
        if (_before.TryGetValue(span.Track, out var last) && last.Timescale == span.Timescale &&
            span.GapAfter(last) is var gap && gap != 0)
            seams.Add(gap > 0 ? SeamKind.Hole : SeamKind.Repeat, now, msn,
                $"Track {span.Track}: {Math.Abs(gap):0.000} s of media {(gap > 0 ? "missing" : "twice")} in the bytes.",
                Math.Abs(gap));
        _before[span.Track] = span;
    }

    private static bool IsTransportStream(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 188 && bytes[0] == 0x47 && (bytes.Length == 188 || bytes[188] == 0x47);

    private static bool IsMp4(ReadOnlySpan<byte> bytes) => bytes.Length >= 8 && (bytes[4..8].SequenceEqual("moof"u8) ||
        bytes[4..8].SequenceEqual("styp"u8) || bytes[4..8].SequenceEqual("sidx"u8) ||
        bytes[4..8].SequenceEqual("prft"u8) || bytes[4..8].SequenceEqual("emsg"u8));

    /// <summary>ADTS, MP3 or AC-3 frames, or the ID3 tag that HLS puts before them.</summary>
    private static bool IsPackedAudio(ReadOnlySpan<byte> bytes) => bytes.StartsWith("ID3"u8) ||
        (bytes.Length >= 2 &&
            ((bytes[0] == 0xFF && (bytes[1] & 0xE0) == 0xE0) || (bytes[0] == 0x0B && bytes[1] == 0x77)));
}
