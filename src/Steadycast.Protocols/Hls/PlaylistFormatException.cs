namespace Steadycast.Protocols.Hls;

/// <summary>The text is not a playlist, or one whose meaning cannot be told.</summary>
public sealed class PlaylistFormatException(int line, string reason) : FormatException($"line {line}: {reason}")
{
    /// <summary>Counted from 1; 0 when it is about the whole text.</summary>
    public int Line { get; } = line;
}
