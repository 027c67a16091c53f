using System.ComponentModel.DataAnnotations;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Ingest;

/// <summary>The <c>ingest</c> section: takes publishers in over RTMP and RTMPS and stamps their feeds.</summary>
public sealed record IngestOptions
{
    /// <summary>Where RTMP is spoken. Default <c>:1935</c>, the port of the specification.</summary>
    public string ListenAddr { get; init; } = ":1935";

    /// <summary>
    /// Where the feed, health and metrics are served. Default loopback, since the feed is not for viewers.
    /// </summary>
    public string HttpAddr { get; init; } = "127.0.0.1:9101";

    /// <summary>The RTMPS listener; absent means none.</summary>
    public IngestTlsOptions? Tls { get; init; }

    /// <summary>Who may publish what. Empty: anyone may publish any stream (a lab, a closed network).</summary>
    public IReadOnlyList<PublishRule> Publish { get; init; } = [];

    /// <summary>
    /// The shortest segment to aim for; a segment ends at the first keyframe at or after it. 1 to 10 seconds. Default
    /// 2: the keyframe interval that every live encoder's guide asks for.
    /// </summary>
    [Range(1, 10)]
    public int SegmentSeconds { get; init; } = 2;

    /// <summary>
    /// How much of each feed is kept for packagers that join or return: 10 to 600 seconds. Default 70: the default
    /// window of 60 plus two segments, so that a restarted packager rebuilds all of it.
    /// </summary>
    [Range(10, 600)]
    public int ReplaySeconds { get; init; } = 70;

    /// <summary>
    /// Where numbering is kept over restarts; absent: numbers restart from the clock, above all used before.
    /// </summary>
    public string? StateDir { get; init; }

    /// <summary>
    /// HTTP addresses of other ingests that encoders send the same streams to: <c>http://ingest-2:9101</c>. One of all
    /// leads each stream, the others pass its feed on, and the next goes on when it is gone. Each names all others.
    /// </summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>
    /// What happens when a second publisher comes for a live stream, or a second standby for one that has a standby.
    /// </summary>
    public PublishConflict PublishConflict { get; init; } = PublishConflict.TakeoverWhenSilent;

    /// <summary>When a standby publisher goes on air and comes off it; of no effect where none publishes.</summary>
    public StandbyOptions Standby { get; init; } = new();
}

/// <summary>RTMPS.</summary>
public sealed record IngestTlsOptions
{
    /// <summary>Default <c>:443</c>, what encoders assume for rtmps.</summary>
    public string ListenAddr { get; init; } = ":443";

    /// <summary>PEM certificate chain.</summary>
    [Required]
    public string CertFile { get; init; } = "";

    /// <summary>PEM private key.</summary>
    [Required]
    public string KeyFile { get; init; } = "";
}
