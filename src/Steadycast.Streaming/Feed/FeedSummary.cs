using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>A stream's feed at one moment, for health and for the API.</summary>
/// <param name="Codecs">RFC 6381, video first; empty before the first segment.</param>
/// <param name="KeyframeSeconds">Between the last two keyframes; 0 where there is no video.</param>
/// <param name="BitsPerSecond">Over the last whole segment.</param>
/// <param name="Publisher">Address and port; null when idle.</param>
/// <param name="EdgeMsn">The newest segment that ended; -1 when there is none.</param>
internal sealed record FeedSummary(
    FeedActivity Activity,
    string Codecs,
    int Width,
    int Height,
    double FramesPerSecond,
    double KeyframeSeconds,
    double BitsPerSecond,
    string? Publisher,
    long EdgeMsn)
{
    /// <summary>Who numbers and cuts: <c>self</c>, or the address of a peer; null when nobody does.</summary>
    public string? Leader { get; init; }

    /// <summary>Whether this ingest would go on in its leader's place without a seam.</summary>
    public bool IsLocked { get; init; }

    public static FeedSummary Of(FeedActivity activity, SegmentFacts? facts, string? publisher, long edge)
    {
        var tracks = (facts?.Tracks ?? []).Select(TrackDescription.Of).ToArray();
        var video = tracks.FirstOrDefault(track => track.Config.IsVideo);
        return new FeedSummary(
            activity,
            string.Join(',', tracks.Select(track => track.CodecsString)),
            video?.Width ?? 0,
            video?.Height ?? 0,
            facts?.FramesPerSecond ?? 0,
            video is null ? 0 : facts!.KeyframeSeconds,
            facts?.BitsPerSecond ?? 0,
            publisher,
            edge);
    }
}
