namespace Steadycast.Streaming.Viewing;

/// <summary>Is told of everything that a strict viewer receives and finds, as it happens.</summary>
/// <remarks>Called from the viewer's loop: whoever takes long there is what the viewer sees stall.</remarks>
public interface IViewerWitness
{
    /// <summary>An answer to a playlist request, good or not.</summary>
    void PlaylistArrived(ArrivedPlaylist playlist);

    /// <summary>An answer to a request for a segment or an initialisation section, good or not.</summary>
    void MediaArrived(ArrivedMedia media);

    /// <summary>A seam, when it is found: a stall when it is over.</summary>
    void SeamFound(Seam seam);
}

/// <summary>A playlist as it came.</summary>
/// <param name="At">When it had arrived in full, since the viewer started.</param>
/// <param name="Fault">What was wrong with the answer; null when it was whole.</param>
/// <param name="Edge">The last number listed by now; null before the first media playlist.</param>
public sealed record ArrivedPlaylist(TimeSpan At, string? Fault, long? Edge, ReadOnlyMemory<byte> Body);

/// <summary>A segment or an initialisation section as it came.</summary>
/// <param name="Map">The initialisation section that the segment needs; null where it needs none.</param>
/// <param name="At">When it had arrived in full, since the viewer started.</param>
/// <param name="Buffered">Media in hand then, this segment included.</param>
/// <param name="Fault">What was wrong with the answer; null when it was whole.</param>
public sealed record ArrivedMedia(
    long Msn,
    bool IsMap,
    Uri Address,
    Uri? Map,
    TimeSpan Duration,
    DateTimeOffset? ProgramDateTime,
    bool Discontinuity,
    TimeSpan At,
    TimeSpan Buffered,
    string? Fault,
    ReadOnlyMemory<byte> Body);
