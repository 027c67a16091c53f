using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Feed;

/// <summary>How a follower stands with its ingest.</summary>
/// <param name="Connected">Whether records or states came within the silence timeout.</param>
/// <param name="LastHeard">When the last bytes came; null before the first.</param>
/// <param name="LastError">Why the last attempt or connection ended, as one sentence; null while connected.</param>
/// <param name="Connections">How many times the feed answered.</param>
public sealed record FeedLink(bool Connected, DateTimeOffset? LastHeard, string? LastError, int Connections);

/// <summary>
/// One stream's records over any number of connections. A connection that ends, falls silent or makes no sense is
/// replaced, by one to the next ingest where there are several, and the stream goes on with the first segment that has
/// not ended yet.
/// </summary>
/// <remarks>One reader at a time; <see cref="Link"/> may be read from anywhere.</remarks>
public sealed partial class FeedFollower
{
    private readonly IReadOnlyList<HttpClient> _ingests;
    private readonly FeedClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile FeedLink _link = new(false, null, "not connected yet", 0);

    internal FeedFollower(
        IReadOnlyList<HttpClient> ingests,
        string stream,
        FeedClientOptions options,
        TimeProvider time,
        ILogger logger) =>
        (_ingests, Stream, _options, _time, _logger) = (ingests, stream, options, time, logger);

    public string Stream { get; }

    public FeedLink Link => _link;

    /// <summary>
    /// Records from the first begin at or above <paramref name="fromMsn"/> that the ingest still has, until
    /// cancelled. After a reconnection a segment that had begun begins again; no segment ends twice.
    /// </summary>
    public IAsyncEnumerable<FeedRecord> ReadAsync(long fromMsn, CancellationToken cancellationToken = default) =>
        ReadAsync(fromMsn, 0, cancellationToken);

    /// <summary>The same, of a reader that has read before.</summary>
    /// <param name="fromMsn">The first number that is wanted.</param>
    /// <param name="epochId">The newest epoch that is known already; ingests are told.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<FeedRecord> ReadAsync(
        long fromMsn, uint epochId, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (next, ingest, epoch) = (fromMsn, 0, epochId);
        var backoff = new Backoff(_options, _time);
        while (true)
        {
            await using var connection = await ConnectAsync(_ingests[ingest], next, epoch, cancellationToken);
            while (connection is not null)
            {
                var record = await NextAsync(connection, cancellationToken);
                if (record is not { } read)
                    break;
                backoff.Reset();
                epoch = Math.Max(epoch, read.Begin?.Epoch.EpochId ?? 0);
                if (read.End is { } end)
                    next = end.Msn + 1;
                yield return read;
            }

            ingest = (ingest + 1) % _ingests.Count;
            await backoff.WaitAsync(cancellationToken);
        }
    }

    private async Task<FeedConnection?> ConnectAsync(
        HttpClient http, long from, uint epoch, CancellationToken cancellationToken)
    {
        try
        {
            var path = FeedConnection.PathOf(Stream, from, epoch, from - 1);
            var connection = await FeedConnection.OpenAsync(
                http, path, _options.SilenceTimeout, _time, cancellationToken);
            _link = new FeedLink(true, _time.GetUtcNow(), null, _link.Connections + 1);
            LogConnected(Stream, http.BaseAddress!, from);
            return connection;
        }
        catch (Exception e) when (IsOfTheLink(e, cancellationToken))
        {
            Lost(e);
            return null;
        }
    }

    private async ValueTask<FeedRecord?> NextAsync(FeedConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (connection.TryTake(out var record))
                    return record;
                if (!await connection.ReceiveAsync(cancellationToken))
                    throw new IOException("The ingest closed the feed.");
                _link = _link with { LastHeard = _time.GetUtcNow() };
            }
        }
        catch (Exception e) when (IsOfTheLink(e, cancellationToken))
        {
            Lost(e);
            return null;
        }
    }

    /// <remarks>
    /// SocketsHttpHandler lets a SocketException through when the peer resets a connection as it is made.
    /// </remarks>
    internal static bool IsOfTheLink(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or IOException or SocketException or FeedFormatException
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private void Lost(Exception e)
    {
        var reason = e switch
        {
            HttpRequestException { StatusCode: HttpStatusCode.NotFound } => "the ingest does not know the stream yet",
            OperationCanceledException => $"silent for {_options.SilenceTimeout.TotalSeconds} s",
            _ => e.Message,
        };
        if (_link.Connected)
            LogLost(Stream, reason);
        _link = _link with { Connected = false, LastError = reason };
    }

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Following the feed of {StreamName} at {Ingest} from segment {Msn}")]
    private partial void LogConnected(string streamName, Uri ingest, long msn);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Lost the feed of {StreamName}: {Reason}; connecting again")]
    private partial void LogLost(string streamName, string reason);
}
