namespace Steadycast.Protocols.Flv;

/// <summary>The bytes are not an FLV file, or one that is damaged.</summary>
public sealed class FlvFormatException(long offset, string message) : FormatException($"{message} (at byte {offset})")
{
    /// <summary>Where in the file.</summary>
    public long Offset { get; } = offset;
}
