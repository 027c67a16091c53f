using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Hub;

/// <summary>
/// When a stream's standby publisher (<c>?role=standby</c>, or a key with <c>standby: true</c>) goes on air, and when
/// the main one comes back. Both changes are one discontinuity to viewers, at a keyframe.
/// </summary>
public sealed record StandbyOptions
{
    /// <summary>
    /// How long the publisher on air may bring nothing new (no message, or messages but no new picture) before the
    /// other takes over; one that leaves is replaced at once. 0.2 to 60 s. Default 2: longer than the hiccups of a
    /// healthy uplink, shorter than what players buffer.
    /// </summary>
    [Range(0.2, 60)]
    public double TakeoverSeconds { get; init; } = 2;

    /// <summary>Whether the main publisher goes on air again after the standby took over.</summary>
    public StandbyReturn Return { get; init; } = StandbyReturn.WhenHealthy;

    /// <summary>
    /// How long the main publisher must have brought pictures without a gap before it goes on air again, at its next
    /// keyframe. Twice as long each time that it fails within ten minutes of its return, up to ten minutes. 0 to
    /// 600 s. Default 30: an encoder that comes and goes costs its viewers one seam and no more.
    /// </summary>
    [Range(0, 600)]
    public double ReturnSeconds { get; init; } = 30;

    internal TimeSpan TakeoverAfter => TimeSpan.FromSeconds(TakeoverSeconds);

    internal TimeSpan ReturnAfter => TimeSpan.FromSeconds(ReturnSeconds);
}

/// <summary>What becomes of a main publisher that is healthy again while its standby is on air.</summary>
public enum StandbyReturn
{
    /// <summary>It waits until the standby fails: one seam fewer.</summary>
    Never,

    /// <summary>It goes on air again after <c>return_seconds</c> without a gap.</summary>
    WhenHealthy,
}
