namespace Steadycast.Protocols.Amf;

/// <summary>How much one reader takes from a peer before it gives up.</summary>
/// <param name="Depth">Nested objects and arrays.</param>
/// <param name="Nodes">Values in all, over the whole span.</param>
/// <param name="StringBytes">One string or property name, in UTF-8.</param>
public readonly record struct Amf0Limits(int Depth, int Nodes, int StringBytes)
{
    /// <summary>
    /// For commands from anyone: depth 8, 256 values, 4 KB. The richest real <c>connect</c> (OBS with its codec maps)
    /// has about 40 values in depth 2, so an attacker gains little from what is left.
    /// </summary>
    public static Amf0Limits Command { get; } = new(8, 256, 4096);

    /// <summary>
    /// For <c>onMetaData</c>, from files too: an FLV file's index has two numbers for each keyframe, so 64 Ki values.
    /// </summary>
    public static Amf0Limits Metadata { get; } = new(8, 65_536, 65_535);
}
