using System.Collections.Concurrent;
using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>The switch's streams, as the viewers' door asks for them.</summary>
internal sealed class SwitchLibrary(string? defaultStream, SwitchMetrics metrics) : IHlsLibrary
{
    private readonly ConcurrentDictionary<string, HlsSwitch> _switches = new(StringComparer.Ordinal);
    private volatile bool _complete;

    /// <summary>Whether an origin has said which streams there are; until then, none is known not to exist.</summary>
    public bool IsComplete
    {
        get => _complete;
        set => _complete = value;
    }

    public string? DefaultStream => defaultStream ?? (_switches.Count == 1 ? _switches.Keys.First() : null);

    public IReadOnlyCollection<string> Streams => (IReadOnlyCollection<string>)_switches.Keys;

    public ICollection<HlsSwitch> Switches => _switches.Values;

    /// <summary>The stream whose state the metrics without a stream label tell.</summary>
    public HlsSwitch? Headline =>
        (DefaultStream ?? _switches.Keys.Order(StringComparer.Ordinal).FirstOrDefault()) is { } stream
        && _switches.TryGetValue(stream, out var found)
            ? found
            : null;

    public HlsSwitch? FindSwitch(string stream) => _switches.GetValueOrDefault(stream);

    public bool Has(string stream) => _switches.ContainsKey(stream);

    public void Add(string stream, HlsSwitch hls) => _switches[stream] = hls;

    public StreamState Find(string stream, out RenderedStream? rendered)
    {
        rendered = null;
        if (!_switches.TryGetValue(stream, out var hls))
            return _complete && stream != defaultStream ? StreamState.Unknown : StreamState.Cold;
        var state = hls.Find(out rendered);
        if (state == StreamState.Stalled)
            metrics.StaleServed();
        return state;
    }

    public ValueTask<SegmentResponse?> FindObjectAsync(
        string stream,
        string name,
        CancellationToken cancellationToken) =>
        _switches.TryGetValue(stream, out var hls)
            ? hls.FindObjectAsync(name, cancellationToken)
            : ValueTask.FromResult<SegmentResponse?>(null);

    public ValueTask CatchUpAsync(string stream, CancellationToken cancellationToken) =>
        _switches.TryGetValue(stream, out var hls) ? hls.CatchUpAsync(cancellationToken) : ValueTask.CompletedTask;

    public ValueTask WaitAsync(string stream, long edge, TimeSpan timeout, CancellationToken cancellationToken) =>
        _switches.TryGetValue(stream, out var hls)
            ? hls.WaitAsync(edge, timeout, cancellationToken)
            : ValueTask.CompletedTask;
}
