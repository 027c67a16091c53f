using System.Diagnostics.Metrics;

namespace Steadycast.Server.Telemetry;

/// <summary>
/// Listens to every meter of this process that a room made, and holds the current value of each series.
/// </summary>
/// <remarks>
/// Scrapes are serialised: an observable instrument's values are forgotten, asked for anew and read in one go, so that
/// a gauge whose source has nothing to say is absent, not frozen at its last value.
/// </remarks>
internal sealed class MetricStore : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Family> _families = [];
    private readonly MeterListener _listener = new();

    /// <param name="factory">
    /// Meters that others made in this process (the framework's own, another test's) are not ours.
    /// </param>
    public MetricStore(IMeterFactory factory)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!ReferenceEquals(instrument.Meter.Scope, factory) || IsFrameworks(instrument.Meter.Name))
                return;
            var family = new Family(instrument);
            lock (_gate)
                _families.Add(family);
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.MeasurementsCompleted = (_, state) =>
        {
            lock (_gate)
                _families.Remove((Family)state!);
        };
        _listener.SetMeasurementEventCallback<double>(
            static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(
            static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(
            static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>Asks observable instruments and writes everything to <paramref name="text"/>.</summary>
    public void Scrape(PrometheusText text)
    {
        lock (_gate)
        {
            foreach (var family in _families.Where(f => f.IsObservable))
                family.Forget();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // One source failed: its series are absent, which is what a scrape should see. The others are there.
            }

            foreach (var group in _families.GroupBy(f => f.Name, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal))
                text.Family([.. group]);
            var refused = _families.Sum(f => f.Refused);
            text.Single("steadycast_telemetry_refused_measurements_total", FamilyKind.Counter, refused);
        }
    }

    public void Dispose() => _listener.Dispose();

    private static bool IsFrameworks(string meter) =>
        meter.StartsWith("Microsoft.", StringComparison.Ordinal)
            || meter.StartsWith("System.", StringComparison.Ordinal);
}
