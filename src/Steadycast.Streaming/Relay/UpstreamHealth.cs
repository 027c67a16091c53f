using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Relay;

/// <summary>Looks after upstreams while nothing is sent to them: who takes no connection is left out.</summary>
internal sealed partial class UpstreamHealth(
    IReadOnlyList<Upstream> upstreams,
    HealthCheckOptions options,
    SocketTransport transport,
    AddressGuard guard,
    TimeProvider time,
    ILogger log) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public void Start()
    {
        if (options.Enabled)
            _running = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.IntervalSec), time);
        try
        {
            do
            {
                await Task.WhenAll(upstreams.Select(CheckAsync));
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The relay stops.
        }
    }

    private async Task CheckAsync(Upstream upstream)
    {
        string? error = await FindFaultAsync(upstream.Address);
        bool was = upstream.Verdict.IsHealthy;
        upstream.Verdict = new UpstreamVerdict(error is null, time.GetUtcNow(), error);
        if (error is not null && was)
            LogIll(log, upstream, error);
        else if (error is null && !was)
            LogWell(log, upstream);
    }

    private async Task<string?> FindFaultAsync(UpstreamAddress address)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(options.TimeoutSec), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        try
        {
            var addresses = await guard.FindAsync(address.Host, either.Token);
            await using TransportConnection connection = await transport.ConnectAsync(
                address.Host, address.Port, address.IsTls, addresses: addresses, cancellationToken: either.Token);
            return null;
        }
        catch (Exception e) when (e is TransportException or AddressRefusedException)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return $"no connection within {options.TimeoutSec} s";
        }
    }

    [LoggerMessage(LogLevel.Warning, "Upstream {Upstream} is not healthy: {Reason}")]
    private static partial void LogIll(ILogger log, Upstream upstream, string reason);

    [LoggerMessage(LogLevel.Information, "Upstream {Upstream} is healthy again")]
    private static partial void LogWell(ILogger log, Upstream upstream);
}
