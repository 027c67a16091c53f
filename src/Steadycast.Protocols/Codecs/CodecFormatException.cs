namespace Steadycast.Protocols.Codecs;

/// <summary>A configuration record or an access unit that breaks its format.</summary>
public sealed class CodecFormatException(string subject, int offset, string message)
    : FormatException($"{subject}: {message} (at byte {offset})")
{
    /// <summary>Where in the record or access unit.</summary>
    public int Offset { get; } = offset;
}
