using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Lookup = System.Collections.Concurrent.ConcurrentDictionary<
    Steadycast.Server.Telemetry.LabelSet, Steadycast.Server.Telemetry.Series>.AlternateLookup<
    System.ReadOnlySpan<System.Collections.Generic.KeyValuePair<string, object?>>>;

namespace Steadycast.Server.Telemetry;

internal enum FamilyKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>
/// One instrument's series. A synchronous instrument writes into it at any time, an observable one when asked.
/// </summary>
internal sealed class Family
{
    /// <summary>Labels are bounded by the rooms; this bounds what a mistake there can cost.</summary>
    private const int MaxSeries = 2000;

    /// <summary>Seconds, where a room gives no bounds of its own: OpenTelemetry's for durations.</summary>
    private static readonly double[] DefaultBounds =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly ConcurrentDictionary<LabelSet, Series> _series = new(LabelSet.Comparer.Instance);
    private readonly Lookup _lookup;
    private readonly bool _sets;
    private long _refused;

    public Family(Instrument instrument)
    {
        Name = instrument.Name;
        Help = instrument.Description ?? MetricReference.MeaningOf(instrument.Name);
        IsObservable = instrument.IsObservable;
        var type = instrument.GetType().Name;
        Kind = type switch
        {
            _ when type.StartsWith("Histogram", StringComparison.Ordinal) => FamilyKind.Histogram,
            _ when type.StartsWith("Counter", StringComparison.Ordinal)
                || type.StartsWith("ObservableCounter", StringComparison.Ordinal) => FamilyKind.Counter,
            _ => FamilyKind.Gauge,
        };
        _sets = IsObservable || type.StartsWith("Gauge", StringComparison.Ordinal);
        Bounds = Kind == FamilyKind.Histogram ? BoundsOf(instrument) : null;
        _lookup = _series.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
    }

    public string Name { get; }

    public string Help { get; }

    public FamilyKind Kind { get; }

    public bool IsObservable { get; }

    /// <summary>Upper bounds of a histogram's buckets, ascending, without infinity.</summary>
    public double[]? Bounds { get; }

    /// <summary>Measurements that were not kept because there were too many series already.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public IEnumerable<KeyValuePair<LabelSet, Series>> Series => _series;

    /// <summary>Before an observable instrument is asked: what it does not answer now has no current value.</summary>
    public void Forget() => _series.Clear();

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (!_lookup.TryGetValue(labels, out var series))
        {
            if (_series.Count >= MaxSeries)
            {
                Interlocked.Increment(ref _refused);
                return;
            }

            series = _series.GetOrAdd(new LabelSet(labels.ToArray()), _ => new Series(Bounds));
        }

        if (Bounds is not null)
            series.Observe(value);
        else if (_sets)
            series.Set(value);
        else
            series.Add(value);
    }

    private static double[] BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => DefaultBounds,
    };
}
