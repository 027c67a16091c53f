using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Serves feeds over HTTP: <c>GET /feed</c>, a JSON object per line for each stream as it appears (empty lines are
/// signs of life), and <c>GET /feed/{stream}?from=MSN</c>, the preamble and records of <see cref="FeedCodec"/> without
/// end. With <c>leader=1</c>, for peers: only where this ingest leads the stream, and until it does no more. With
/// <c>epoch</c> and <c>edge</c> a reader says what it has: so learns a leader that was replaced and did not see it.
/// </summary>
internal sealed partial class FeedEndpoint(
    FeedDirectory directory, Guid ingestId, TimeProvider time, FeedMetrics metrics, ILogger logger)
{
    /// <summary>Who answers: decides between two peers that both lead.</summary>
    public const string IngestHeader = "Steadycast-Ingest";

    /// <summary>The newest epoch at the time of the answer.</summary>
    public const string EpochHeader = "Steadycast-Epoch";

    /// <summary>Between two signs of life; clients give up after a few.</summary>
    public static readonly TimeSpan StateInterval = TimeSpan.FromSeconds(1);

    /// <summary>A reader that takes no bytes for so long is disconnected; it may come back and resume.</summary>
    public static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(10);

    private const int ClockSkewSeconds = 3600;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/feed", ListAsync);
        routes.MapGet("/feed/{**stream}", ServeAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        context.Response.ContentType = "application/x-ndjson";
        await using var send = new Sending(context, time);
        var told = 0;
        try
        {
            while (!directory.IsClosed)
            {
                var changed = directory.Changed;
                var names = directory.Names;
                var lines = names.Count == told ? "\n" : string.Concat(names.Skip(told).Select(
                    name => $"{{\"stream\":{JsonEncodedTextOf(name)}}}\n"));
                told = names.Count;
                await send.WriteAsync(System.Text.Encoding.UTF8.GetBytes(lines));
                await send.WaitAsync(changed, StateInterval);
            }
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private async Task ServeAsync(HttpContext context, string stream)
    {
        var from = context.Request.Query["from"].ToString();
        var leaderOnly = context.Request.Query["leader"] == "1";
        long msn = 0;
        Listen(context.Request.Query, stream);
        if (from.Length > 0 && !(long.TryParse(from, out msn) && msn >= 0))
            await Problem(StatusCodes.Status400BadRequest, "from is a media sequence number.").ExecuteAsync(context);
        else if (directory.Find(stream) is { } feed && (feed.Leads || !leaderOnly))
            await SendAsync(context, feed, msn, leaderOnly);
        else
            await Problem(StatusCodes.Status404NotFound, "There is no such stream here yet.").ExecuteAsync(context);
    }

    /// <summary>More than the clock allows cannot be true, and would leave no room for what comes.</summary>
    private void Listen(IQueryCollection query, string stream)
    {
        var most = StreamNumbers.New(time.GetUtcNow().ToUnixTimeMilliseconds(), 1);
        if (uint.TryParse(query["epoch"], out var epoch) && epoch <= most.EpochId + ClockSkewSeconds
            && long.TryParse(query["edge"], out var edge) && edge >= -1 && edge <= most.NextMsn + ClockSkewSeconds)
            directory.Find(stream)?.Tell(epoch, edge);
    }

    private async Task SendAsync(HttpContext context, StampedFeed feed, long from, bool leaderOnly)
    {
        context.Response.Headers[IngestHeader] = ingestId.ToString();
        context.Response.Headers[EpochHeader] = feed.State.EpochId.ToString(CultureInfo.InvariantCulture);
        context.Response.ContentType = FeedCodec.ContentType;
        context.Response.Headers.CacheControl = "no-store";
        await using var send = new Sending(context, time);
        metrics.ReaderCame();
        LogReaderCame(feed.Stream, context.Connection.RemoteIpAddress, from);
        try
        {
            if (await SendAsync(send, feed, new RingPlace(from), leaderOnly) is RingRead.Behind)
                Drop(context, feed, "behind");
        }
        catch (OperationCanceledException)
        {
            if (send.IsStuck)
                Drop(context, feed, "stuck");
        }
        finally
        {
            metrics.ReaderLeft();
        }
    }

    /// <summary>Cut off, not ended: the reader must not take it for the end of the feed.</summary>
    private void Drop(HttpContext context, StampedFeed feed, string reason)
    {
        metrics.ReaderDropped(reason);
        LogReaderDropped(feed.Stream, context.Connection.RemoteIpAddress, reason);
        context.Abort();
    }

    /// <summary>Sends until the feed is closed and read to its end, or the reader has fallen behind.</summary>
    private async Task<RingRead> SendAsync(Sending send, StampedFeed feed, RingPlace place, bool leaderOnly)
    {
        await send.WriteAsync(FeedCodec.Preamble.ToArray());
        FeedState? told = null;
        var toldAt = time.GetTimestamp();
        while (true)
        {
            var (changed, isClosed) = (feed.Changed, feed.IsClosed || (leaderOnly && !feed.Leads));
            var read = feed.Ring.Read(place, out var bytes);
            if (read == RingRead.Bytes)
            {
                await send.WriteAsync(bytes);
                continue;
            }

            if (read == RingRead.Behind || isClosed)
                return read;

            var state = feed.State;
            if (state != told || time.GetElapsedTime(toldAt) >= StateInterval)
            {
                (told, toldAt) = (state, time.GetTimestamp());
                var record = new ArrayBufferWriter<byte>(64);
                FeedCodec.Write(record, state);
                await send.WriteAsync(record.WrittenMemory);
            }

            await send.WaitAsync(changed, StateInterval);
        }
    }

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);

    private static string JsonEncodedTextOf(string name) => $"\"{JsonEncodedText.Encode(name)}\"";

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{RemoteEndPoint} reads the feed of {StreamName} from segment {Msn}")]
    private partial void LogReaderCame(string streamName, System.Net.IPAddress? remoteEndPoint, long msn);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{RemoteEndPoint} reads the feed of {StreamName} too slowly ({Reason}) and is disconnected")]
    private partial void LogReaderDropped(string streamName, System.Net.IPAddress? remoteEndPoint, string reason);

    /// <summary>One response, with a deadline for each write and an end when the client goes away.</summary>
    private sealed class Sending : IAsyncDisposable
    {
        private readonly TimeProvider _time;
        private readonly CancellationToken _gone;
        private readonly CancellationTokenSource _deadline;
        private readonly CancellationTokenRegistration _registration;
        private readonly PipeWriter _writer;
        private volatile bool _hasLeft;

        public Sending(HttpContext context, TimeProvider time)
        {
            _time = time;
            _gone = context.RequestAborted;
            _deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
            _registration = _gone.Register(Leave);
            _writer = context.Response.BodyWriter;
        }

        /// <summary>Whether time ran out, and not the client away: Kestrel says the latter after the former.</summary>
        public bool IsStuck => _deadline.IsCancellationRequested && !_hasLeft;

        public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            _deadline.CancelAfter(SendTimeout);
            await _writer.WriteAsync(bytes, _deadline.Token);
            _deadline.CancelAfter(Timeout.InfiniteTimeSpan);
            _deadline.Token.ThrowIfCancellationRequested();
        }

        /// <summary>Until something has changed, or the time is over.</summary>
        public async Task WaitAsync(Task changed, TimeSpan atMost)
        {
            try
            {
                await changed.WaitAsync(atMost, _time, _gone);
            }
            catch (TimeoutException)
            {
                // As good as a change: a sign of life is due.
            }
        }

        private void Leave()
        {
            if (_deadline.IsCancellationRequested)
                return;
            _hasLeft = true;
            _deadline.Cancel();
        }

        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync();
            _deadline.Dispose();
        }
    }
}
