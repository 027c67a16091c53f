using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Relay;

/// <summary>What the relay counts; the names of ffmpeg-go-relay where it had them.</summary>
public sealed class RelayMetrics
{
    private readonly Counter<long> _upstreamErrors;
    private readonly Counter<long> _resumes;
    private readonly Histogram<double> _resumeSeconds;
    private readonly UpDownCounter<long> _sessions;

    public RelayMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create("Steadycast.Relay");
        _upstreamErrors = meter.CreateCounter<long>("rtmp_relay_upstream_errors_total", "{error}");
        _resumes = meter.CreateCounter<long>("steadycast_relay_resumes_total", "{resume}");
        _resumeSeconds = meter.CreateHistogram<double>("steadycast_relay_resume_seconds", "s");
        _sessions = meter.CreateUpDownCounter<long>("steadycast_relay_upstream_sessions", "{session}");
    }

    /// <param name="type">
    /// <c>dial</c>, <c>handshake</c>, <c>select</c> (none could be tried), <c>refused</c>, <c>lost</c> (in mid-stream).
    /// </param>
    internal void UpstreamFailed(string type) =>
        _upstreamErrors.Add(1, new KeyValuePair<string, object?>("error_type", type));

    internal void SessionBegan() => _sessions.Add(1);

    internal void SessionEnded() => _sessions.Add(-1);

    internal void Resumed(TimeSpan without)
    {
        _resumes.Add(1);
        _resumeSeconds.Record(without.TotalSeconds);
    }
}
