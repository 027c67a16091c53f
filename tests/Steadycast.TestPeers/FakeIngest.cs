using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Feed;

namespace Steadycast.TestPeers;

/// <summary>An ingest that serves the feeds it is given over real HTTP, and fails on command.</summary>
public sealed class FakeIngest : IAsyncDisposable
{
    private static readonly TimeSpan SignOfLife = TimeSpan.FromMilliseconds(300);

    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<FeedRecord>> _feeds = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _connections = new();

    private FakeIngest(WebApplication app) => _app = app;

    public string Url { get; private set; } = "";

    /// <summary>Every <c>from</c> that was asked for, in order.</summary>
    public ConcurrentQueue<(string Stream, long From)> Asked { get; } = new();

    /// <summary>What goes out instead of a record; the identity by default.</summary>
    public Func<FeedRecord, FeedRecord> Distort { get; set; } = record => record;

    public static async Task<FakeIngest> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var ingest = new FakeIngest(app);
        app.MapGet("/feed", ingest.ListAsync);
        app.MapGet("/feed/{**stream}", ingest.FeedAsync);
        await app.StartAsync();
        var features = app.Services.GetRequiredService<IServer>().Features;
        ingest.Url = features.Get<IServerAddressesFeature>()!.Addresses.First();
        return ingest;
    }

    public void Append(string stream, IEnumerable<FeedRecord> records)
    {
        lock (_gate)
        {
            if (!_feeds.TryGetValue(stream, out var feed)) _feeds[stream] = feed = [];
            feed.AddRange(records);
            var before = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            before.SetResult();
        }
    }

    /// <summary>Breaks every connection that there is; new ones are served.</summary>
    public async Task DropConnectionsAsync()
    {
        var before = Interlocked.Exchange(ref _connections, new CancellationTokenSource());
        await before.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await DropConnectionsAsync();
        await _app.DisposeAsync();
    }

    private async Task ListAsync(HttpContext context)
    {
        using var ending = Ending(context);
        var said = new HashSet<string>(StringComparer.Ordinal);
        await ServeAsync(context, async () =>
        {
            string[] streams;
            lock (_gate) streams = [.. _feeds.Keys];
            foreach (var stream in streams.Where(said.Add))
                await context.Response.WriteAsync($"{{\"stream\":\"{stream}\"}}\n", ending.Token);
            await context.Response.WriteAsync("\n", ending.Token);
        }, ending.Token);
    }

    private async Task FeedAsync(HttpContext context)
    {
        var stream = (string)context.GetRouteValue("stream")!;
        var from = long.Parse(context.Request.Query["from"].ToString());
        Asked.Enqueue((stream, from));
        var at = 0;
        lock (_gate)
        {
            if (!_feeds.TryGetValue(stream, out var feed))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            at = feed.FindIndex(record => record.Begin is { } begin && begin.Msn >= from);
            if (at < 0) at = feed.Count;
        }

        using var ending = Ending(context);
        context.Response.ContentType = FeedCodec.ContentType;
        await context.Response.BodyWriter.WriteAsync(FeedCodec.Preamble.ToArray(), ending.Token);
        await ServeAsync(context, async () =>
        {
            FeedRecord[] records;
            lock (_gate) records = [.. _feeds[stream].Skip(at)];
            at += records.Length;
            foreach (var record in records)
            {
                Write(context.Response.BodyWriter, Distort(record));
                await context.Response.BodyWriter.FlushAsync(ending.Token);
            }

            FeedCodec.Write(context.Response.BodyWriter, new FeedState(FeedActivity.Idle, 0, -1));
        }, ending.Token);
    }

    /// <summary>
    /// Writes what is new whenever something is, and a sign of life in between, until the connection ends.
    /// </summary>
    private async Task ServeAsync(HttpContext context, Func<Task> write, CancellationToken ending)
    {
        try
        {
            while (true)
            {
                Task changed;
                lock (_gate) changed = _changed.Task;
                await write();
                await context.Response.BodyWriter.FlushAsync(ending);
                await Task.WhenAny(changed, Task.Delay(SignOfLife, TimeProvider.System, ending));
                ending.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private CancellationTokenSource Ending(HttpContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _connections.Token);

    private static void Write(IBufferWriter<byte> output, in FeedRecord record)
    {
        switch (record.Kind)
        {
            case FeedRecordKind.Begin: FeedCodec.Write(output, record.Begin!); break;
            case FeedRecordKind.AccessUnit: FeedCodec.Write(output, record.AccessUnit); break;
            case FeedRecordKind.End: FeedCodec.Write(output, record.End!); break;
            case FeedRecordKind.State: FeedCodec.Write(output, record.State!); break;
        }
    }
}
