namespace Steadycast.Protocols.Rtmp.Sessions;

/// <summary>Acknowledges received bytes, so that peers that count them keep on sending.</summary>
internal sealed class ReceiveWindow
{
    /// <summary>
    /// What FMS announces; also used for peers that announce none, since some watch for our acknowledgements.
    /// </summary>
    public const uint DefaultBytes = 2_500_000;

    /// <summary>A window of a few bytes would make us send more than we receive.</summary>
    private const uint MinBytes = 16 * 1024;

    private uint _window = DefaultBytes;
    private uint _acknowledged;

    public void Resize(uint bytes) => _window = Math.Max(MinBytes, bytes);

    /// <summary>
    /// Acknowledges at half the window: the peer must stop at the whole. The sequence number wraps at 32 bits.
    /// </summary>
    /// <param name="received">Bytes received since the connection began.</param>
    public bool ShouldAcknowledge(long received, out uint sequence)
    {
        sequence = (uint)received;
        if (sequence - _acknowledged < _window / 2)
            return false;
        _acknowledged = sequence;
        return true;
    }
}
