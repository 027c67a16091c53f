using Microsoft.Extensions.Logging;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Relay;

/// <summary>What every session of a relay shares.</summary>
internal sealed record RelayParts(
    SocketTransport Transport,
    RtmpDialOptions Dial,
    RelayTimes Times,
    RelayMetrics Metrics,
    TimeProvider Time,
    ILogger Log);

/// <summary>
/// One stream on its way to one upstream of a pool, and to the next one when that fails: its publisher does not notice.
/// </summary>
/// <remarks>
/// The stream's log is what makes it possible: it takes in what the publisher sends whatever becomes of upstreams, and
/// keeps what none of them has confirmed.
/// </remarks>
internal sealed partial class RelaySession(
    RelayedStream stream, Subscription subscription, UpstreamPool pool, RetryPolicy retry, RelayParts parts)
    : IAsyncDisposable
{
    /// <summary>Between two rounds of attempts for a live stream: it has no time to lose.</summary>
    private static readonly RetryPolicy Resuming = new(new RetryOptions { InitialDelaySec = 0.1, MaxDelaySec = 1 });

    private Connected? _connected;

    public RelayedStream Stream => stream;

    /// <summary>Where the stream goes now; null while it goes nowhere.</summary>
    public Upstream? Upstream => _connected?.Upstream;

    /// <summary>How often another upstream took over, or the same one again.</summary>
    public int Resumes { get; private set; }

    /// <summary>Why the last upstream failed, or the last attempt; null when none has.</summary>
    public string? LastError { get; private set; }

    /// <summary>
    /// Finds the first upstream that takes the stream: all that may be tried in turn, again after a pause as the retry
    /// policy says. False: none did, and <see cref="LastError"/> says why not.
    /// </summary>
    public async Task<bool> OpenAsync(CancellationToken cancellationToken)
    {
        for (int round = 1; ; round++)
        {
            if (await TryRoundAsync(last: null, cancellationToken))
                return true;
            if (retry.DelayAfter(round) is not { } pause)
                return false;
            await Task.Delay(pause, parts.Time, cancellationToken);
        }
    }

    /// <summary>
    /// Sends the stream until it is closed or the token fires. False: no upstream could be found for too long.
    /// </summary>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        while (_connected is { } now)
        {
            try
            {
                await now.Link.SendAsync(subscription, stop);
                return true;
            }
            catch (Exception e) when (IsFault(e))
            {
                now.Attempt.Fail();
                Failed("lost", e);
                LogLost(parts.Log, stream, now.Upstream, e.Message);
            }

            await DropAsync();
            if (!await ResumeAsync(now.Upstream, stop))
                return stop.IsCancellationRequested;
        }

        return false;
    }

    public ValueTask DisposeAsync() => DropAsync();

    private async Task<bool> ResumeAsync(Upstream last, CancellationToken stop)
    {
        long since = parts.Time.GetTimestamp();
        using var budget = new CancellationTokenSource(parts.Times.Failover, parts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(budget.Token, stop);
        try
        {
            for (int round = 1; !await TryRoundAsync(last, either.Token); round++)
                await Task.Delay(Resuming.BackOff(round), parts.Time, either.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        Resumes++;
        TimeSpan without = parts.Time.GetElapsedTime(since);
        parts.Metrics.Resumed(without);
        LogResumed(parts.Log, stream, Upstream!, without.TotalMilliseconds);
        return true;
    }

    /// <summary>Tries each upstream once that may be tried, the one that has just failed last.</summary>
    private async Task<bool> TryRoundAsync(Upstream? last, CancellationToken cancellationToken)
    {
        bool tried = false;
        foreach (Upstream candidate in pool.Candidates().OrderBy(u => u == last))
        {
            if (!candidate.Breaker.TryBegin())
                continue;
            tried = true;
            if (await TryAsync(candidate, cancellationToken))
                return true;
        }

        if (!tried)
        {
            parts.Metrics.UpstreamFailed("select");
            LastError ??= "no upstream may be tried: every circuit breaker is open";
        }

        return false;
    }

    private async Task<bool> TryAsync(Upstream upstream, CancellationToken cancellationToken)
    {
        try
        {
            RtmpDialOptions options = parts.Dial with
            {
                StartTimeout = parts.Times.Dial,
                ConnectMembers = stream.ConnectMembers,
            };
            UpstreamLink link = await UpstreamLink.OpenAsync(
                parts.Transport,
                upstream.Address.Of(stream.App, stream.NameWithQuery),
                options,
                parts.Times.Stall,
                parts.Time,
                cancellationToken);
            upstream.SessionBegan();
            parts.Metrics.SessionBegan();
            _connected = new Connected(
                upstream, link, new UpstreamAttempt(upstream.Breaker, parts.Times.Proof, parts.Time));
            LogConnected(parts.Log, stream, upstream);
            return true;
        }
        catch (Exception e) when (IsFault(e))
        {
            upstream.Breaker.Fail();
            Failed(e is RtmpRefusedException ? "refused" : "dial", e);
            LogNotConnected(parts.Log, stream, upstream, e.Message);
            return false;
        }
        catch
        {
            upstream.Breaker.Abandon();
            throw;
        }
    }

    private void Failed(string type, Exception e)
    {
        LastError = e.Message;
        parts.Metrics.UpstreamFailed(type);
    }

    private async ValueTask DropAsync()
    {
        if (_connected is not { } connected)
            return;
        _connected = null;
        await connected.Attempt.DisposeAsync();
        await connected.Link.DisposeAsync();
        connected.Upstream.SessionEnded();
        parts.Metrics.SessionEnded();
    }

    private static bool IsFault(Exception e) =>
        e is TransportException or RtmpRefusedException or RtmpProtocolException or AddressRefusedException;

    private sealed record Connected(Upstream Upstream, UpstreamLink Link, UpstreamAttempt Attempt);

    [LoggerMessage(LogLevel.Information, "{StreamName} is sent on to {Upstream}")]
    private static partial void LogConnected(ILogger log, RelayedStream streamName, Upstream upstream);

    [LoggerMessage(LogLevel.Warning, "{StreamName} cannot be sent on to {Upstream}: {Reason}")]
    private static partial void LogNotConnected(
        ILogger log, RelayedStream streamName, Upstream upstream, string reason);

    [LoggerMessage(LogLevel.Warning, "{StreamName} lost {Upstream}: {Reason}")]
    private static partial void LogLost(ILogger log, RelayedStream streamName, Upstream upstream, string reason);

    [LoggerMessage(LogLevel.Information, "{StreamName} goes on at {Upstream} after {Milliseconds:0} ms")]
    private static partial void LogResumed(
        ILogger log, RelayedStream streamName, Upstream upstream, double milliseconds);
}
