using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// The promises of a live playlist, checked where it is written and again where it is read: it never goes back.
/// </summary>
internal static class PublishGuard
{
    /// <summary>
    /// What <paramref name="next"/> would break of what viewers saw in <paramref name="before"/>, or null.
    /// </summary>
    /// <returns>One of a few words, for the count.</returns>
    public static string? FindViolation(StreamIndex? before, StreamIndex next)
    {
        for (var i = 1; i < next.Segments.Length; i++)
        {
            if (next.Segments[i].Msn != next.Segments[i - 1].Msn + 1)
                return "hole";
            if (next.Segments[i].EpochId < next.Segments[i - 1].EpochId)
                return "epoch";
        }

        if (before is null)
            return null;
        if (!(next.Playlists?.Names ?? []).SequenceEqual(before.Playlists?.Names ?? []))
            return "playlists";
        if (next.Edge < before.Edge)
            return "edge";
        if (next.First < before.First)
            return "first";
        if (next.TargetDurationSeconds != before.TargetDurationSeconds && next.First <= before.Edge)
            return "target_duration";
        if (HeaderSequence(next) < HeaderSequence(before))
            return "discontinuity_sequence";
        if (next.Segments[^1].EpochId < before.Segments[^1].EpochId)
            return "epoch";
        for (var msn = next.First; msn <= before.Edge; msn++)
        {
            var (was, now) = (before.Segments[(int)(msn - before.First)], next.Segments[(int)(msn - next.First)]);
            if (!ReferenceEquals(was, now) && was != now)
                return "line";
        }

        return null;
    }

    /// <summary>EXT-X-DISCONTINUITY-SEQUENCE as the playlist builder writes it.</summary>
    private static long HeaderSequence(StreamIndex index) =>
        index.Segments[0].DiscontinuitySequence - (index.Segments[0].Discontinuity ? 1 : 0);
}
