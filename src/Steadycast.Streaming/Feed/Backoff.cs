namespace Steadycast.Streaming.Feed;

/// <summary>Pauses that double from the least to the most, each shortened at random by up to a half.</summary>
internal sealed class Backoff(FeedClientOptions options, TimeProvider time)
{
    private TimeSpan _next = options.MinBackoff;

    public void Reset() => _next = options.MinBackoff;

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        // Jitter, so that a herd of packagers does not come back to a restarted ingest in step.
        var pause = _next * (1 - (Random.Shared.NextDouble() / 2));
        _next = _next * 2 < options.MaxBackoff ? _next * 2 : options.MaxBackoff;
        await Task.Delay(pause, time, cancellationToken);
    }
}
