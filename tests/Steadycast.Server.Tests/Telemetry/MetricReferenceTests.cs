using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Steadycast.Server.Telemetry;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Tests.Telemetry;

/// <summary>docs/4-reference/metrics.md lists what the rooms create, all of it and nothing else.</summary>
public sealed partial class MetricReferenceTests
{
    private static readonly HashSet<string> Created = Create();

    [Fact]
    public void Every_metric_in_the_program_is_in_the_reference() =>
        Assert.Empty(Created.Except(MetricReference.Names, StringComparer.Ordinal));

    [Fact]
    public void Every_metric_in_the_reference_is_in_the_program() =>
        Assert.Empty(MetricReference.Names.Except(Created, StringComparer.Ordinal));

    [Fact]
    public void Every_metric_has_a_meaning() =>
        Assert.DoesNotContain(MetricReference.Names, n => MetricReference.MeaningOf(n).Length == 0);

    /// <summary>Makes the metrics of every room, and asks the server for its own.</summary>
    private static HashSet<string> Create()
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "steadycast_role_ready" };
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var factory = services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, factory))
                names.Add(instrument.Name);
        };
        listener.Start();
        var rooms = typeof(IRole).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false }
                && t.Name.EndsWith("Metrics", StringComparison.Ordinal))
            .SelectMany(t => t.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(c => c.GetParameters() is [{ } only] && only.ParameterType == typeof(IMeterFactory));
        foreach (var room in rooms)
            room.Invoke([factory]);
        _ = new SwitchMetrics(factory, ["primary"], () => [], () => null, () => 0, TimeProvider.System);
        var own = new PrometheusText(openMetrics: false);
        ProcessMetrics.Write(own);
        using (var empty = new MetricStore(new ServiceCollection().AddMetrics().BuildServiceProvider()
            .GetRequiredService<IMeterFactory>()))
            empty.Scrape(own);
        foreach (Match type in TypeLine().Matches(own.ToString()))
            names.Add(type.Groups["name"].Value);
        return names;
    }

    [GeneratedRegex("^# TYPE (?<name>[a-z0-9_]+) ", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex TypeLine();
}
