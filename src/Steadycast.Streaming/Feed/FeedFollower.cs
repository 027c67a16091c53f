using System.IO.Pipelines;
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
/// One stream's records from one ingest, over any number of connections. A connection that ends, falls silent or makes
/// no sense is replaced, and the stream goes on with the first segment that has not ended yet.
/// </summary>
/// <remarks>One reader at a time; <see cref="Link"/> may be read from anywhere.</remarks>
public sealed partial class FeedFollower
{
    private const int ReadBytes = 64 * 1024;

    private readonly HttpClient _http;
    private readonly FeedClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile FeedLink _link = new(false, null, "not connected yet", 0);

    internal FeedFollower(
        HttpClient http, string stream, FeedClientOptions options, TimeProvider time, ILogger logger) =>
        (_http, Stream, _options, _time, _logger) = (http, stream, options, time, logger);

    public string Stream { get; }

    public FeedLink Link => _link;

    /// <summary>
    /// Records from the first begin at or above <paramref name="fromMsn"/> that the ingest still has, until
    /// cancelled. After a reconnection a segment that had begun begins again; no segment ends twice.
    /// </summary>
    public async IAsyncEnumerable<FeedRecord> ReadAsync(
        long fromMsn, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var next = fromMsn;
        var backoff = new Backoff(_options, _time);
        while (true)
        {
            await using var connection = await ConnectAsync(next, cancellationToken);
            while (connection is not null)
            {
                var record = await NextAsync(connection, cancellationToken);
                if (record is not { } read)
                    break;
                backoff.Reset();
                if (read.End is { } end)
                    next = end.Msn + 1;
                yield return read;
            }

            await backoff.WaitAsync(cancellationToken);
        }
    }

    private async Task<FeedConnection?> ConnectAsync(long from, CancellationToken cancellationToken)
    {
        try
        {
            var path = string.Join('/', Stream.Split('/').Select(Uri.EscapeDataString));
            var connection = await FeedConnection.OpenAsync(
                _http, $"feed/{path}?from={from}", _options.SilenceTimeout, _time, cancellationToken);
            _link = new FeedLink(true, _time.GetUtcNow(), null, _link.Connections + 1);
            LogConnected(Stream, from);
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

    [LoggerMessage(Level = LogLevel.Information, Message = "Following the feed of {StreamName} from segment {Msn}")]
    private partial void LogConnected(string streamName, long msn);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Lost the feed of {StreamName}: {Reason}; connecting again")]
    private partial void LogLost(string streamName, string reason);

    /// <summary>One connection's bytes and its deadline for silence.</summary>
    private sealed class FeedConnection : IAsyncDisposable
    {
        private readonly TimeSpan _silence;
        private readonly CancellationTokenSource _deadline;
        private readonly HttpResponseMessage _response;
        private readonly PipeReader _reader;
        private System.Buffers.ReadOnlySequence<byte> _buffer;
        private bool _reading;
        private bool _greeted;

        private FeedConnection(
            HttpResponseMessage response, Stream body, TimeSpan silence, CancellationTokenSource deadline)
        {
            (_response, _silence, _deadline) = (response, silence, deadline);
            _reader = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: ReadBytes));
        }

        public static async Task<FeedConnection> OpenAsync(
            HttpClient http, string path, TimeSpan silence, TimeProvider time, CancellationToken cancellationToken)
        {
            var deadline = new CancellationTokenSource(silence, time);
            HttpResponseMessage? response = null;
            try
            {
                using var registration = cancellationToken.Register(deadline.Cancel);
                response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
                response.EnsureSuccessStatusCode();
                var body = await response.Content.ReadAsStreamAsync(deadline.Token);
                return new FeedConnection(response, body, silence, deadline);
            }
            catch
            {
                response?.Dispose();
                deadline.Dispose();
                throw;
            }
        }

        public bool TryTake(out FeedRecord record)
        {
            record = default;
            if (!_greeted)
                _greeted = FeedCodec.TryReadPreamble(ref _buffer);
            return _greeted && FeedCodec.TryRead(ref _buffer, out record);
        }

        /// <summary>False at the end of the body.</summary>
        public async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
        {
            if (_reading)
                _reader.AdvanceTo(_buffer.Start, _buffer.End);
            _reading = false;
            using var registration = cancellationToken.Register(_deadline.Cancel);
            _deadline.CancelAfter(_silence);
            var read = await _reader.ReadAsync(_deadline.Token);
            _deadline.CancelAfter(Timeout.InfiniteTimeSpan);

            // Sockets may complete inline on their event loop in this process: what the reader does with a record is
            // not short enough for that.
            await Task.Yield();
            _buffer = read.Buffer;
            _reading = true;
            return !read.IsCompleted || !read.Buffer.IsEmpty;
        }

        public async ValueTask DisposeAsync()
        {
            await _reader.CompleteAsync();
            _response.Dispose();
            _deadline.Dispose();
        }
    }
}
