using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Steadycast.Server.Telemetry;

namespace Steadycast.Server.Tests.Telemetry;

public sealed class PrometheusTextTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MetricStore _store;
    private readonly Meter _meter;

    public PrometheusTextTests()
    {
        var factory = _services.GetRequiredService<IMeterFactory>();
        _store = new MetricStore(factory);
        _meter = factory.Create("Steadycast.Test");
    }

    public void Dispose()
    {
        _store.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void Every_kind_of_instrument_is_written_in_prometheus_form()
    {
        RecordOneOfEach();

        Assert.Equal(
            """
            # HELP failovers_total Switches away from the preferred origin.
            # TYPE failovers_total counter
            failovers_total 3
            # HELP segment_age_seconds Age of the newest segment.
            # TYPE segment_age_seconds gauge
            segment_age_seconds{origin="backup"} 1.25
            segment_age_seconds{origin="primary"} 0.5
            # HELP steadycast_test_fetch_seconds How long a fetch took.
            # TYPE steadycast_test_fetch_seconds histogram
            steadycast_test_fetch_seconds_bucket{origin="a",le="0.1"} 1
            steadycast_test_fetch_seconds_bucket{origin="a",le="1"} 2
            steadycast_test_fetch_seconds_bucket{origin="a",le="+Inf"} 3
            steadycast_test_fetch_seconds_sum{origin="a"} 5.55
            steadycast_test_fetch_seconds_count{origin="a"} 3
            # TYPE steadycast_test_open gauge
            steadycast_test_open 2

            """.ReplaceLineEndings("\n"),
            Scrape(openMetrics: false));
    }

    [Fact]
    public void Open_metrics_names_a_counter_without_total_and_ends_with_eof()
    {
        RecordOneOfEach();

        var text = Scrape(openMetrics: true);

        Assert.Contains("# TYPE failovers counter\nfailovers_total 3\n", text, StringComparison.Ordinal);
        Assert.Contains("le=\"1.0\"", text, StringComparison.Ordinal);
        Assert.EndsWith("# EOF\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_counter_without_total_gets_it()
    {
        _meter.CreateCounter<long>("steadycast_test_bytes").Add(1);

        Assert.Equal(
            "# TYPE steadycast_test_bytes_total counter\nsteadycast_test_bytes_total 1\n", Scrape(openMetrics: false));
    }

    [Fact]
    public void Labels_and_help_are_escaped()
    {
        _meter.CreateCounter<long>("odd_total", description: "back\\slash \"quote\"\nline")
            .Add(1, new KeyValuePair<string, object?>("path", "a\\b\"c\nd"));

        Assert.Equal(
            "# HELP odd_total back\\\\slash \"quote\"\\nline\n# TYPE odd_total counter\nodd_total{path=\"a\\\\b\\\"c\\nd\"} 1\n",
            Scrape(openMetrics: false));
        Assert.Contains(
            "# HELP odd back\\\\slash \\\"quote\\\"\\nline\n", Scrape(openMetrics: true), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gauge_whose_source_has_nothing_to_say_is_absent()
    {
        Measurement<double>[] now = [new(4, new KeyValuePair<string, object?>("origin", "a"))];
        _meter.CreateObservableGauge("segment_age_seconds", () => now);
        Assert.Contains("segment_age_seconds{origin=\"a\"} 4\n", Scrape(openMetrics: false), StringComparison.Ordinal);

        now = [];

        Assert.Equal("", Scrape(openMetrics: false));
    }

    [Fact]
    public void A_source_that_fails_takes_no_other_with_it()
    {
        _meter.CreateObservableGauge("broken", int () => throw new InvalidOperationException());
        _meter.CreateObservableGauge("whole", () => 1);

        Assert.Equal("# TYPE whole gauge\nwhole 1\n", Scrape(openMetrics: false));
    }

    [Fact]
    public void Two_instruments_of_one_name_are_one_family()
    {
        _meter.CreateObservableGauge("streams", () => 2);
        _meter.CreateObservableGauge("streams", () => 3);

        Assert.Equal("# TYPE streams gauge\nstreams 5\n", Scrape(openMetrics: false));
    }

    [Fact]
    public void Meters_of_others_are_not_shown()
    {
        using var foreign = new Meter("Steadycast.Foreign");
        foreign.CreateCounter<long>("foreign_total").Add(1);

        Assert.Equal("", Scrape(openMetrics: false));
    }

    [Fact]
    public void Too_many_label_values_are_refused_and_counted()
    {
        var counter = _meter.CreateCounter<long>("wild_total");
        for (var i = 0; i < 2500; i++)
            counter.Add(1, new KeyValuePair<string, object?>("client", i));

        var text = Text(openMetrics: false);

        Assert.Equal(2000, text.Split('\n').Count(l => l.StartsWith("wild_total{", StringComparison.Ordinal)));
        Assert.Contains("steadycast_telemetry_refused_measurements_total 500\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Recording_into_a_known_series_allocates_nothing()
    {
        var counter = _meter.CreateCounter<long>("hot_total");
        var histogram = _meter.CreateHistogram<double>("hot_seconds");
        Record(200);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Record(1000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Record(int times)
        {
            for (var i = 0; i < times; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("kind", "video"));
                histogram.Record(0.2, new KeyValuePair<string, object?>("kind", "video"));
            }
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain", false)]
    [InlineData("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true)]
    [InlineData("application/openmetrics-text;q=0.2,text/plain;q=0.5", false)]
    [InlineData("application/openmetrics-text;q=0", false)]
    public void Open_metrics_is_sent_to_those_who_prefer_it(string accept, bool expected) =>
        Assert.Equal(expected, PrometheusText.Accepts(accept));

    private void RecordOneOfEach()
    {
        var fetch = _meter.CreateHistogram("steadycast_test_fetch_seconds", "s", "How long a fetch took.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        foreach (var seconds in new[] { 0.05, 0.5, 5 })
            fetch.Record(seconds, new KeyValuePair<string, object?>("origin", "a"));
        _meter.CreateCounter<long>("failovers_total", description: "Switches away from the preferred origin.").Add(3);
        var open = _meter.CreateUpDownCounter<long>("steadycast_test_open");
        open.Add(3);
        open.Add(-1);
        _meter.CreateObservableGauge(
            "segment_age_seconds",
            () => new Measurement<double>[]
            {
                new(0.5, new KeyValuePair<string, object?>("origin", "primary")),
                new(1.25, new KeyValuePair<string, object?>("origin", "backup")),
            },
            "s", "Age of the newest segment.");
    }

    /// <summary>Without what the store says of itself.</summary>
    private string Scrape(bool openMetrics) => string.Concat(Text(openMetrics)
        .Split('\n')
        .Where(l => l.Length > 0 && !l.Contains("steadycast_telemetry_", StringComparison.Ordinal))
        .Select(l => l + "\n"));

    private string Text(bool openMetrics)
    {
        var text = new PrometheusText(openMetrics);
        _store.Scrape(text);
        return text.ToString();
    }
}
