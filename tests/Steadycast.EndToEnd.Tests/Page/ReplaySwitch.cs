using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steadycast.Server.Api;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Segments;

namespace Steadycast.EndToEnd.Tests.Page;

/// <summary>
/// Stands in for a switch: serves the page, a live playlist over segments that ffmpeg made of the built-in picture, and
/// <c>/api/switch</c>; misbehaves on command.
/// </summary>
internal sealed class ReplaySwitch : IAsyncDisposable
{
    private const int SegmentsAtStart = 8;
    private const int Window = 15;

    private readonly WebApplication _app;
    private readonly string _folder;
    private readonly string _extension;
    private readonly IReadOnlyList<PackagedSegment> _made;
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly DateTimeOffset _anchor = TimeProvider.System.GetUtcNow().AddSeconds(-2 * SegmentsAtStart);

    private ReplaySwitch(string folder, string extension, IReadOnlyList<PackagedSegment> made)
    {
        (_folder, _extension, _made) = (folder, extension, made);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        PageEndpoints.Map(_app);
        _app.MapGet("/hls/{file}", ServeAsync);
        _app.MapGet("/api/switch", context => Broken ? Refuse(context) : WriteReportAsync(context));
    }

    /// <summary>Every request but the page's own files meets a closed connection.</summary>
    public bool Broken { get; set; }

    /// <summary>There is no stream: 404 for its playlist.</summary>
    public bool Empty { get; set; }

    public string Active { get; set; } = "primary";

    public string PrimaryState { get; set; } = "fresh";

    public Uri Address => new(_app.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public Uri Playlist => new(Address, "/hls/index.m3u8");

    /// <param name="transportStream">MPEG-TS instead of fragmented MP4.</param>
    public static async Task<ReplaySwitch> StartAsync(CancellationToken cancellationToken, bool transportStream = false)
    {
        var kind = transportStream ? "mpegts" : "fmp4";
        var extension = transportStream ? "ts" : "m4s";
        var media = Directory.CreateTempSubdirectory("steadycast-page-").FullName;
        var clip = Path.Combine(media, "clip.flv");
        await using (var resource = typeof(PageEndpoints).Assembly.GetManifestResourceStream("test-picture.flv")!)
        await using (var file = File.Create(clip))
            await resource.CopyToAsync(file, cancellationToken);
        await ForeignProgram.RunAsync("ffmpeg",
        [
            "-v", "error", "-stream_loop", "5", "-i", clip, "-c", "copy", "-f", "hls", "-hls_time", "2",
            "-hls_list_size", "0", "-hls_segment_type", kind, "-hls_fmp4_init_filename", "init.mp4",
            "-hls_segment_filename", Path.Combine(media, $"%d.{extension}"), Path.Combine(media, "all.m3u8"),
        ], cancellationToken);
        var replay = new ReplaySwitch(media, extension, made: []);
        await replay._app.StartAsync(cancellationToken);
        return replay;
    }

    /// <summary>Serves segments of two seconds that this program made, through its own playlists.</summary>
    public static async Task<ReplaySwitch> StartAsync(
        IReadOnlyList<PackagedSegment> segments, CancellationToken cancellationToken)
    {
        var media = Directory.CreateTempSubdirectory("steadycast-page-").FullName;
        foreach (var segment in segments)
        {
            await File.WriteAllBytesAsync(Path.Combine(media, segment.Record.Uri), segment.Bytes, cancellationToken);
            if (segment.Map is { } map)
                await File.WriteAllBytesAsync(Path.Combine(media, map.Uri), segment.MapBytes, cancellationToken);
        }

        var replay = new ReplaySwitch(media, extension: "", segments);
        await replay._app.StartAsync(cancellationToken);
        return replay;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private int Edge => SegmentsAtStart - 1 + (int)(TimeProvider.System.GetElapsedTime(_started).TotalSeconds / 2);

    private Task ServeAsync(HttpContext context)
    {
        if (Broken)
            return Refuse(context);
        var file = (string)context.Request.RouteValues["file"]!;
        var path = Path.Combine(_folder, file);
        if (file == "index.m3u8" && !Empty)
            return _made.Count > 0 ? WriteMadePlaylistAsync(context) : WritePlaylistAsync(context);
        if (Empty || !File.Exists(path))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        return context.Response.SendFileAsync(path, context.RequestAborted);
    }

    private static Task Refuse(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private async Task WriteMadePlaylistAsync(HttpContext context)
    {
        StreamIndex? index = null;
        foreach (var segment in _made.Take(Edge + 1))
            index = segment.AppendTo(index, TimeSpan.FromSeconds(2 * Window));
        context.Response.ContentType = "application/vnd.apple.mpegurl";
        await context.Response.Body.WriteAsync(PlaylistBuilder.Media(index!), context.RequestAborted);
    }

    private async Task WritePlaylistAsync(HttpContext context)
    {
        var edge = Edge;
        var first = Math.Max(0, edge - Window + 1);
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n");
        text.Append(_extension == "ts" ? "" : "#EXT-X-MAP:URI=\"init.mp4\"\n");
        for (var i = first; i <= edge; i++)
        {
            var time = _anchor.AddSeconds(2 * i).ToString("yyyy-MM-ddTHH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture,
                $"#EXT-X-PROGRAM-DATE-TIME:{time}\n#EXTINF:2.000,\n{i}.{_extension}\n");
        }

        context.Response.ContentType = "application/vnd.apple.mpegurl";
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
    }

    private async Task WriteReportAsync(HttpContext context)
    {
        var age = TimeProvider.System.GetElapsedTime(_started).TotalSeconds % 2;
        var error = PrimaryState == "fresh" ? "null" : "\"connection refused\"";
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $$"""
            {"default_stream":"mystream","streams":{"mystream":{
            "state":"live","active_origin":"{{Active}}","edge":{{Edge}},
            "switches":{{(Active == "primary" ? 0 : 1)}},"origins":[
            {"name":"primary","freshness":"{{PrimaryState}}","edge":{{Edge}},"lag_segments":0,"age_seconds":{{age:F3}},
             "last_error":{{error}}},
            {"name":"backup","freshness":"fresh","edge":{{Edge}},"lag_segments":0,"age_seconds":{{age:F3}},
             "last_error":null}
            ] } } }
            """), context.RequestAborted);
    }
}
