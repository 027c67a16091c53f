namespace Steadycast.Streaming.Failover;

/// <summary>An object on its way, and how far it came.</summary>
/// <param name="length">What it has to be in the end.</param>
/// <param name="from">An earlier transfer of the same object that broke off; null to begin at the beginning.</param>
internal sealed class Transfer(int length, Transfer? from)
{
    private byte[]? _bytes;

    public int Length => length;

    public int Received { get; set; } = from?.Received ?? 0;

    /// <summary>Whether the beginning is from the transfer before.</summary>
    public bool Spliced { get; private set; }

    public byte[] Bytes => _bytes ?? [];

    /// <summary>Memory is taken when the origin has announced the right size, not before.</summary>
    public byte[] Begin(int offset)
    {
        _bytes = new byte[length];
        Spliced = offset > 0;
        Received = offset;
        if (offset > 0)
            from!.Bytes.AsSpan(0, offset).CopyTo(_bytes);
        return _bytes;
    }
}
