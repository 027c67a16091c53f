using System.Diagnostics.Metrics;

namespace Steadycast.TestPeers;

/// <summary>A meter factory whose instruments a test can read: sums of counters by name and labels.</summary>
public sealed class TestMeters : IMeterFactory
{
    private readonly Lock gate = new();
    private readonly List<Meter> meters = [];
    private readonly Dictionary<string, double> sums = new(StringComparer.Ordinal);
    private readonly MeterListener listener = new();

    public TestMeters()
    {
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, this))
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Record(i, value, tags));
        listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Record(i, value, tags));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Record(i, value, tags));
        listener.Start();
    }

    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        var meter = new Meter(options);
        lock (gate)
            meters.Add(meter);
        return meter;
    }

    /// <summary>
    /// The sum of all that was recorded under a name whose labels include all of <paramref name="labels"/>, written
    /// <c>key=value</c>; observable instruments give their value of this moment.
    /// </summary>
    public double Sum(string name, params string[] labels)
    {
        lock (gate)
            foreach (string key in sums.Keys.Where(k => k.StartsWith("observable ", StringComparison.Ordinal)).ToList())
                sums.Remove(key);
        listener.RecordObservableInstruments();
        lock (gate)
        {
            double sum = 0;
            foreach ((string key, double value) in sums)
            {
                string[] parts = key.Split('|');
                if ((parts[0] == name || parts[0] == "observable " + name) && labels.All(parts.Skip(1).Contains))
                    sum += value;
            }

            return sum;
        }
    }

    public void Dispose()
    {
        listener.Dispose();
        lock (gate)
            meters.ForEach(m => m.Dispose());
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string key = instrument.IsObservable ? "observable " + instrument.Name : instrument.Name;
        foreach (KeyValuePair<string, object?> tag in tags)
            key += $"|{tag.Key}={tag.Value}";
        lock (gate)
            sums[key] = sums.GetValueOrDefault(key) + value;
    }
}
