using Steadycast.Server.Configuration;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Tests.Lab;

public sealed class LabPlanTests
{
    [Fact]
    public void The_boxes_are_those_that_the_reference_promises() =>
        Assert.Equal(
        [
            "ingest http://127.0.0.1:9101 rtmp://127.0.0.1:1935",
            "packager-primary http://127.0.0.1:9102 ",
            "packager-backup http://127.0.0.1:9103 ",
            "origin-primary http://127.0.0.1:8081 ",
            "origin-backup http://127.0.0.1:8082 ",
            "switch http://127.0.0.1:8080 ",
            "publisher  ",
        ], Plan().Boxes.Select(b => $"{b.Name} {b.Http} {b.Rtmp}"));

    [Theory]
    [InlineData("/tmp/a lab's folder: 1", false, (int)LabSource.Single)]
    [InlineData(".steadycast", true, (int)LabSource.Standby)]
    [InlineData(".steadycast", false, (int)LabSource.TwoIngests)]
    public void Every_file_that_it_writes_passes_check(string folder, bool lan, int source)
    {
        foreach (var box in Plan(folder, lan: lan, source: (LabSource)source).Boxes.Where(b => b.Configuration is not null))
        {
            var result = ConfigLoader.Parse(box.Configuration!, new Dictionary<string, string>(), []);
            Assert.Empty(result.Faults.Select(f => f.ToString()));
        }
    }

    [Fact]
    public void An_offset_moves_every_port()
    {
        var boxes = Plan(offset: 1000).Boxes;

        Assert.Equal(
            [2935, 9080, 9081, 9082, 10101, 10102, 10103],
            boxes.SelectMany(b => b.Listens).Select(l => l.Port).Order());
        Assert.Contains("rtmp://127.0.0.1:2935/mystream", boxes[^1].Arguments);
        Assert.Contains("http://127.0.0.1:10101", boxes[1].Configuration!, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:9081/hls", boxes[5].Configuration!, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_publishers_and_viewers_are_let_in_from_the_network() =>
        Assert.Equal(
            [("ingest", 1935), ("switch", 8080)],
            Plan(lan: true).Boxes.SelectMany(b => b.Listens.Where(l => l.IsAny).Select(l => (b.Name, l.Port))));

    [Fact]
    public void Without_being_asked_nothing_is_open_to_the_network() =>
        Assert.DoesNotContain(Plan().Boxes.SelectMany(b => b.Listens), l => l.IsAny);

    [Fact]
    public void Two_ingests_know_each_other_and_have_a_publisher_each()
    {
        var boxes = Plan(offset: 10, source: LabSource.TwoIngests).Boxes.ToDictionary(b => b.Name);

        Assert.Contains("http://127.0.0.1:9114", boxes["ingest"].Configuration!, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:9111", boxes["ingest-2"].Configuration!, StringComparison.Ordinal);
        Assert.Contains("\"http://127.0.0.1:9111\", \"http://127.0.0.1:9114\"",
            boxes["packager-backup"].Configuration!, StringComparison.Ordinal);
        Assert.Contains("rtmp://127.0.0.1:1946/mystream", boxes["publisher-2"].Arguments);
    }

    [Fact]
    public void A_standby_does_not_stand_by_for_one_that_yields()
    {
        var boxes = Plan(source: LabSource.Standby).Boxes.ToDictionary(b => b.Name);

        Assert.Contains("rtmp://127.0.0.1:1935/mystream?role=standby", boxes["standby"].Arguments);
        Assert.DoesNotContain("--yield", boxes["publisher"].Arguments);
        Assert.DoesNotContain("--yield", boxes["standby"].Arguments);
    }

    private static LabPlan Plan(
        string folder = ".steadycast", int offset = 0, bool lan = false, LabSource source = LabSource.Single) =>
        new(new LabSettings(folder, offset, WithPublisher: true, lan, source), "steadycast", []);
}
