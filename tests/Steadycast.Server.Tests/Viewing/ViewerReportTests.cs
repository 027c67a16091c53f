using System.Text.Json;

namespace Steadycast.Server.Tests.Viewing;

public sealed class ViewerReportTests
{
    [Fact]
    public void The_keys_of_the_json_are_a_promise()
    {
        var report = SimulatedViewer.Watch(new Broadcast { SayOf = (_, n, s) => s with { Gap = n == 106 } });
        using var json = JsonDocument.Parse(report.ToJson());
        Assert.Equal(
        [
            "url", "started_at", "seconds", "seamless", "join_seconds", "played_seconds", "stalled_seconds",
            "latency_seconds", "least_buffer_seconds", "playlist_gap_max_seconds", "target_duration_seconds",
            "container", "ended", "playlists", "segments", "bytes", "first_msn", "last_msn", "counts", "seams",
        ], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(
        [
            "stall", "hole", "repeat", "regression", "changed_line", "discontinuity", "discontinuity_sequence",
            "http_error", "stale_playlist", "target_duration", "continuity_counter", "malformed",
        ], json.RootElement.GetProperty("counts").EnumerateObject().Select(p => p.Name));
        var seam = json.RootElement.GetProperty("seams")[0];
        Assert.Equal(["kind", "at_seconds", "msn", "seconds", "detail"], seam.EnumerateObject().Select(p => p.Name));
        Assert.Equal("hole", seam.GetProperty("kind").GetString());
    }

    [Fact]
    public void The_text_has_a_verdict_the_figures_and_a_line_per_seam()
    {
        var text = SimulatedViewer.Watch(new Broadcast { SayOf = (_, n, s) => s with { Gap = n == 106 } }).ToText();
        Assert.StartsWith("NOT SEAMLESS", text, StringComparison.Ordinal);
        Assert.Contains("Number 106 is missing: EXT-X-GAP.", text, StringComparison.Ordinal);
        Assert.StartsWith("SEAMLESS", SimulatedViewer.Watch(new Broadcast()).ToText(), StringComparison.Ordinal);
    }
}
