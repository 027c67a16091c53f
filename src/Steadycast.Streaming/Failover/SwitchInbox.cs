using System.Threading.Channels;

namespace Steadycast.Streaming.Failover;

/// <summary>What happened to one stream, on its way to the loop that owns its timeline; and its clock.</summary>
internal sealed class SwitchInbox(TimeProvider time)
{
    private const int Size = 256;

    private readonly Channel<Action> _waiting =
        Channel.CreateBounded<Action>(new BoundedChannelOptions(Size) { SingleReader = true });

    /// <summary>Timestamp of the loop's time 0.</summary>
    public long StartedAt { get; } = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(StartedAt);

    public ChannelReader<Action> Reader => _waiting.Reader;

    public ValueTask PostAsync(Action happened, CancellationToken cancellationToken) =>
        _waiting.Writer.WriteAsync(happened, cancellationToken);

    /// <summary>Lets time pass: what depends on waiting is judged again.</summary>
    public void Tick() => _waiting.Writer.TryWrite(static () => { });

    public void Close() => _waiting.Writer.TryComplete();
}
