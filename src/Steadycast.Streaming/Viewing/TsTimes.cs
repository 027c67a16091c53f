using Steadycast.Protocols.MpegTs;

namespace Steadycast.Streaming.Viewing;

/// <summary>When the PES packets of an MPEG-TS segment begin and, as well as can be told, end.</summary>
/// <remarks>One per unbroken run of segments: the continuity counters go on from one to the next.</remarks>
internal sealed class TsTimes
{
    private const long Timescale = 90_000;
    private const long Modulus = 1L << 33;
    private const long LeastTolerance = Timescale / 20;

    private readonly TsReader _reader = new();

    /// <summary>Counters that did not continue, in all segments so far.</summary>
    public long ContinuityErrors => _reader.ContinuityErrors;

    public bool TryRead(ReadOnlySpan<byte> segment, TimeSpan duration, List<TrackSpan> spans)
    {
        var damage = _reader.DamagedPackets + _reader.SyncErrors;
        var times = new Dictionary<int, (long First, long Last, int Count)>();
        foreach (var pes in (IEnumerable<TsPes>)[.. _reader.Read(segment), .. _reader.Flush()])
        {
            if (pes.Dts is not { } dts)
                continue;
            times[pes.Pid] = times.TryGetValue(pes.Pid, out var t) ? (t.First, dts, t.Count + 1) : (dts, dts, 1);
        }

        foreach (var (pid, (first, last, count)) in times)
        {
            // A PES packet does not say how long it lasts: the mean of those before has to do. The last one of an audio
            // track may hold fewer frames than usual.
            var step = count > 1
                ? ((last - first) % Modulus + Modulus) % Modulus / (count - 1)
                : (long)(duration.TotalSeconds * Timescale);
            var tolerance = Math.Max(LeastTolerance, step * 11 / 10);
            spans.Add(new TrackSpan(pid, first, last + step, Timescale, tolerance, Modulus));
        }

        return spans.Count > 0 && damage == _reader.DamagedPackets + _reader.SyncErrors;
    }
}
