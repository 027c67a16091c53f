namespace Steadycast.Streaming.Relay;

/// <summary>
/// A stream that an upstream has accepted, as its breaker sees it: proven when it has lived for a while, failed when it
/// was lost, neither when it ended in order before.
/// </summary>
internal sealed class UpstreamAttempt : IAsyncDisposable
{
    private readonly CircuitBreaker _breaker;
    private readonly ITimer _proof;
    private int _isSettled;

    public UpstreamAttempt(CircuitBreaker breaker, TimeSpan provenAfter, TimeProvider time)
    {
        _breaker = breaker;
        _proof = time.CreateTimer(
            static a => ((UpstreamAttempt)a!).Prove(), this, provenAfter, Timeout.InfiniteTimeSpan);
    }

    public void Fail()
    {
        Interlocked.Exchange(ref _isSettled, 1);
        _breaker.Fail();
    }

    public async ValueTask DisposeAsync()
    {
        await _proof.DisposeAsync();
        if (Interlocked.Exchange(ref _isSettled, 1) == 0)
            _breaker.Abandon();
    }

    private void Prove()
    {
        if (Interlocked.Exchange(ref _isSettled, 1) == 0)
            _breaker.Succeed();
    }
}
