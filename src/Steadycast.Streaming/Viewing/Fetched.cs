namespace Steadycast.Streaming.Viewing;

/// <summary>What came of one request.</summary>
/// <param name="Status">The HTTP status; 206 only where a stretch was asked for; 0 when there was no answer.</param>
/// <param name="Fault">Why the body is not whole, in a few words; null when it is.</param>
/// <param name="Body">Empty unless <see cref="Ok"/>.</param>
internal readonly record struct Fetched(int Status, string? Fault, ReadOnlyMemory<byte> Body)
{
    public bool Ok => Status is 200 or 206 && Fault is null;

    public override string ToString() =>
        Fault is null ? $"HTTP {Status}" : Status == 0 ? Fault : $"HTTP {Status}, {Fault}";
}
