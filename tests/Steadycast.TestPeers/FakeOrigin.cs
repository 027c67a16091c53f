using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Steadycast.Streaming.Segments;

namespace Steadycast.TestPeers;

/// <summary>What a <see cref="FakeOrigin"/> does instead of answering.</summary>
public enum Misbehaviour
{
    None,
    NotFound,
    ServerError,

    /// <summary>Takes the request and says nothing until it is told to behave, or the client goes.</summary>
    Hang,

    /// <summary>Answers, but late.</summary>
    Slow,

    /// <summary>Announces the whole, sends half, and breaks the connection.</summary>
    ShortBody,

    /// <summary>The right length, one bit wrong; an index becomes half a document.</summary>
    Corrupt,

    /// <summary>Breaks the connection before answering.</summary>
    Reset,
}

/// <summary>
/// An origin on a real port that goes stale, slow, wrong or away on command; it speaks what <c>/hls/</c> of a real one
/// speaks: <c>streams.json</c>, a long-polled <c>index.json</c>, segments with ranges.
/// </summary>
public sealed class FakeOrigin : IAsyncDisposable
{
    private readonly SyntheticStream stream;
    private readonly ConcurrentDictionary<string, bool> lost = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> replaced = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private WebApplication? app;
    private StreamIndex? index;
    private TaskCompletionSource moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource behaves = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FakeOrigin(SyntheticStream stream) => this.stream = stream;

    public int Port { get; private set; }

    /// <summary>Up to and with <c>/hls</c>.</summary>
    public string Url => $"http://127.0.0.1:{Port}/hls";

    public Misbehaviour OfIndex { get; private set; }

    public Misbehaviour OfMedia { get; private set; }

    /// <summary>How many requests came, by the last part of the path.</summary>
    public ConcurrentDictionary<string, int> Requests { get; } = new(StringComparer.Ordinal);

    /// <summary>How many segments and initialisation sections were asked for.</summary>
    public int MediaRequests =>
        Requests.Where(r => !r.Key.EndsWith(".json", StringComparison.Ordinal)).Sum(r => r.Value);

    /// <summary>Answers 404 for this object from now on.</summary>
    public void Lose(string objectName) => lost[objectName] = true;

    /// <summary>Has other bytes than the stream's under this name from now on.</summary>
    public void Replace(string objectName, byte[] bytes) => replaced[objectName] = bytes;

    public static async Task<FakeOrigin> StartAsync(SyntheticStream stream)
    {
        var origin = new FakeOrigin(stream);
        await origin.ReviveAsync();
        return origin;
    }

    /// <summary>Lists the segments <paramref name="first"/> to <paramref name="edge"/> from now on.</summary>
    public void Publish(long first, long edge) => Publish(stream.Index(first, edge));

    public void Publish(StreamIndex next)
    {
        lock (gate)
        {
            index = next;
            moved.SetResult();
            moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Misbehave(Misbehaviour ofIndex = Misbehaviour.None, Misbehaviour ofMedia = Misbehaviour.None)
    {
        (OfIndex, OfMedia) = (ofIndex, ofMedia);
        TaskCompletionSource before = behaves;
        behaves = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        before.SetResult();
    }

    /// <summary>As kill -9: connections break, the port is closed.</summary>
    public async Task KillAsync()
    {
        if (app is null)
            return;
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
        app = null;
    }

    /// <summary>Up again, on the same port.</summary>
    public async Task ReviveAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port));
        app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync();
        Port = new Uri(app.Urls.First()).Port;
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        string name = context.Request.Path.Value!.Split('/')[^1];
        Requests.AddOrUpdate(name, 1, (_, count) => count + 1);
        try
        {
            byte[]? bytes = name switch
            {
                "streams.json" => index is null ? """{"streams":[]}"""u8.ToArray() : Streams(),
                "index.json" => await IndexAsync(context),
                _ => lost.ContainsKey(name) ? null : replaced.GetValueOrDefault(name) ?? stream.Bytes(name),
            };
            bool isMedia = name is not ("index.json" or "streams.json");
            await SendAsync(context, bytes, isMedia ? OfMedia : OfIndex);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private byte[] Streams() => System.Text.Encoding.UTF8.GetBytes($$"""{"streams":["{{stream.Name}}"]}""");

    private async Task<byte[]?> IndexAsync(HttpContext context)
    {
        if (long.TryParse(context.Request.Query["after"], CultureInfo.InvariantCulture, out long after))
        {
            Task bell;
            lock (gate)
                bell = index is null || index.Edge <= after ? moved.Task : Task.CompletedTask;
            double wait = double.Parse(context.Request.Query["wait"].ToString(), CultureInfo.InvariantCulture);
            var tooLate = Task.Delay(TimeSpan.FromSeconds(wait), TimeProvider.System, context.RequestAborted);
            await await Task.WhenAny(bell, tooLate);
        }

        return index is null ? null : StreamIndexJson.Write(index);
    }

    private async Task SendAsync(HttpContext context, byte[]? bytes, Misbehaviour misbehaviour)
    {
        switch (misbehaviour)
        {
            case Misbehaviour.NotFound:
                bytes = null;
                break;
            case Misbehaviour.ServerError:
                context.Response.StatusCode = 503;
                return;
            case Misbehaviour.Hang:
                await behaves.Task.WaitAsync(context.RequestAborted);
                break;
            case Misbehaviour.Slow:
                await Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System, context.RequestAborted);
                break;
            case Misbehaviour.Reset:
                context.Abort();
                return;
            case Misbehaviour.Corrupt when bytes is not null:
                bytes = [.. bytes];
                bytes[bytes.Length / 2] ^= 1;
                break;
        }

        if (bytes is null)
        {
            context.Response.StatusCode = 404;
            return;
        }

        int from = RangeStart(context, bytes.Length);
        context.Response.ContentLength = bytes.Length - from;
        if (misbehaviour == Misbehaviour.ShortBody)
        {
            // Ended too early, not aborted: an abort may overtake what was sent. Kestrel closes the connection for it.
            int half = (bytes.Length - from) / 2;
            await context.Response.Body.WriteAsync(bytes.AsMemory(from, half), context.RequestAborted);
            return;
        }

        await context.Response.Body.WriteAsync(bytes.AsMemory(from), context.RequestAborted);
    }

    private static int RangeStart(HttpContext context, int length)
    {
        string range = context.Request.Headers.Range.ToString();
        if (!range.StartsWith("bytes=", StringComparison.Ordinal) || !range.EndsWith('-'))
            return 0;
        int from = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
        context.Response.StatusCode = 206;
        context.Response.Headers.ContentRange = $"bytes {from}-{length - 1}/{length}";
        return from;
    }
}
