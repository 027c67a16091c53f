namespace Steadycast.Protocols.Amf;

/// <summary>The bytes are not AMF 0, or more of it than the limits allow.</summary>
public sealed class Amf0FormatException(string fault, int offset) : FormatException($"{fault} at byte {offset}")
{
    /// <summary>Where in the span that the reader was given.</summary>
    public int Offset => offset;
}
