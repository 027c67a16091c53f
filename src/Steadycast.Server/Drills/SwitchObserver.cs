using System.Net.Sockets;
using System.Text.Json;

namespace Steadycast.Server.Drills;

/// <summary>Asks the switch how it stands, fifty times a second, and remembers each change.</summary>
internal sealed class SwitchObserver(HttpClient http, Uri address, TimeProvider time) : IAsyncDisposable
{
    /// <summary>How exact the figures are.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Two changes a second for hours; a drill takes less than two minutes.</summary>
    private const int MaxSamples = 100_000;

    private readonly Lock _gate = new();
    private readonly List<SwitchSample> _samples = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly long _started = time.GetTimestamp();
    private Task _running = Task.CompletedTask;

    public TimeSpan Now => time.GetElapsedTime(_started);

    public SwitchSample? Last
    {
        get
        {
            lock (_gate)
                return _samples.Count > 0 ? _samples[^1] : null;
        }
    }

    public void Start() => _running = RunAsync(_stopping.Token);

    /// <summary>What was said since, the state at that moment first.</summary>
    public IReadOnlyList<SwitchSample> Since(TimeSpan at)
    {
        lock (_gate)
            return [.. _samples.Skip(Math.Max(0, _samples.FindLastIndex(s => s.At <= at)))];
    }

    /// <summary>Forgets what was before: the next drill begins.</summary>
    public void Forget()
    {
        lock (_gate)
            _samples.RemoveRange(0, Math.Max(0, _samples.Count - 1));
    }

    /// <returns>Whether it came true in time.</returns>
    public async Task<bool> UntilAsync(Func<SwitchSample, bool> condition, TimeSpan patience, CancellationToken stop)
    {
        for (var begun = Now; Now - begun < patience;)
        {
            if (Last is { } last && condition(last))
                return true;
            await Task.Delay(Period, time, stop);
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
                Add(await AskAsync(stop));
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task<SwitchSample> AskAsync(CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stop);
        try
        {
            var body = await http.GetByteArrayAsync(new Uri(address, "/api/switch"), either.Token);
            return SwitchSample.Read(Now, body);
        }
        catch (Exception e) when (!stop.IsCancellationRequested && e is HttpRequestException or SocketException
            or IOException or JsonException or KeyNotFoundException or OperationCanceledException)
        {
            return new SwitchSample(Now, false, null, null, null, []);
        }
    }

    private void Add(SwitchSample sample)
    {
        lock (_gate)
        {
            if (_samples.Count > 0 && _samples[^1].Says(sample))
                return;
            if (_samples.Count >= MaxSamples)
                _samples.RemoveAt(0);
            _samples.Add(sample);
        }
    }
}
