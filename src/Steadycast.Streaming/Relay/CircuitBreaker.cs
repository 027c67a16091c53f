namespace Steadycast.Streaming.Relay;

/// <summary>The three states, in the words of ffmpeg-go-relay's API.</summary>
public enum CircuitState
{
    Closed,
    Open,
    HalfOpen,
}

/// <summary>One look at a breaker.</summary>
/// <param name="Failures">In a row; 0 after a success.</param>
/// <param name="Successes">Of trials while half-open.</param>
public sealed record CircuitSnapshot(CircuitState State, int Failures, int Successes, DateTimeOffset? LastFailure);

/// <summary>
/// Leaves an upstream alone that has failed too often in a row, and tries it again after a while. One for each
/// upstream; safe from any thread.
/// </summary>
/// <remarks>
/// An attempt is more than a call: it lasts from the dial until the upstream has proved itself, so every
/// <see cref="TryBegin"/> that said yes is followed by exactly one of <see cref="Succeed"/>, <see cref="Fail"/> and
/// <see cref="Abandon"/>. While half-open no more trials run at once than successes are needed: those who come with
/// them would all be lost if the upstream is still dead.
/// </remarks>
public sealed class CircuitBreaker(CircuitBreakerOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private CircuitState _state;
    private int _failures;
    private int _successes;
    private int _trials;
    private long _failedAt;
    private DateTimeOffset? _lastFailure;

    public CircuitSnapshot Snapshot
    {
        get
        {
            lock (_lock)
                return new CircuitSnapshot(State_NeedsLock(), _failures, _successes, _lastFailure);
        }
    }

    /// <summary>Whether an attempt may be made now. Asking who could be chosen changes nothing.</summary>
    public bool IsPassable
    {
        get
        {
            lock (_lock)
                return IsPassable_NeedsLock();
        }
    }

    /// <summary>Begins an attempt; false: leave this upstream alone.</summary>
    public bool TryBegin()
    {
        lock (_lock)
        {
            if (!IsPassable_NeedsLock())
                return false;
            _state = State_NeedsLock();
            if (_state == CircuitState.HalfOpen)
                _trials++;
            return true;
        }
    }

    public void Succeed()
    {
        lock (_lock)
        {
            EndTrial_NeedsLock();
            // Begun before the breaker opened: it says nothing about now.
            if (_state == CircuitState.Open)
                return;
            _failures = 0;
            if (_state == CircuitState.HalfOpen && ++_successes >= options.SuccessThreshold)
                Close_NeedsLock();
        }
    }

    public void Fail()
    {
        lock (_lock)
        {
            EndTrial_NeedsLock();
            _failures++;
            _lastFailure = time.GetUtcNow();
            _failedAt = time.GetTimestamp();
            if (options.Enabled && (_state != CircuitState.Closed || _failures >= options.MaxFailures))
                (_state, _successes, _trials) = (CircuitState.Open, 0, 0);
        }
    }

    /// <summary>The attempt ended without a word on the upstream: the publisher left, we stop.</summary>
    public void Abandon()
    {
        lock (_lock)
            EndTrial_NeedsLock();
    }

    private CircuitState State_NeedsLock()
    {
        bool isDue = time.GetElapsedTime(_failedAt) >= TimeSpan.FromSeconds(options.ResetTimeoutSec);
        return _state == CircuitState.Open && isDue ? CircuitState.HalfOpen : _state;
    }

    private bool IsPassable_NeedsLock() => State_NeedsLock() switch
    {
        CircuitState.Closed => true,
        CircuitState.HalfOpen => _trials + _successes < options.SuccessThreshold,
        _ => false,
    };

    private void EndTrial_NeedsLock() => _trials = Math.Max(0, _trials - 1);

    private void Close_NeedsLock() => (_state, _failures, _successes, _trials) = (CircuitState.Closed, 0, 0, 0);
}
