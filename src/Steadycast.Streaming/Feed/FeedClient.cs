using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// A packager's view of an ingest, or of several that are peers and say the same: which streams there are, and the
/// records of each.
/// </summary>
public sealed partial class FeedClient : IDisposable
{
    private const int MaxLineChars = 4096;

    private readonly HttpMessageHandler _handler;
    private readonly HttpClient[] _ingests;
    private readonly FeedClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile FeedLink _list = new(false, null, "not connected yet", 0);

    /// <param name="ingest">The ingest's HTTP address: <c>http://ingest:9101</c>.</param>
    /// <param name="way">What requests pass on their way, and the client disposes; null: nothing.</param>
    public FeedClient(
        Uri ingest,
        FeedClientOptions options,
        TimeProvider time,
        ILoggerFactory loggers,
        DelegatingHandler? way = null)
        : this([ingest], options, time, loggers, way)
    {
    }

    /// <param name="ingests">Peers; the next is asked when one is out of reach.</param>
    /// <param name="way">As above.</param>
    public FeedClient(
        IReadOnlyList<Uri> ingests,
        FeedClientOptions options,
        TimeProvider time,
        ILoggerFactory loggers,
        DelegatingHandler? way = null)
    {
        (_options, _time, _logger) = (options, time, loggers.CreateLogger<FeedClient>());
        _handler = NewHandler(options);
        if (way is not null)
            (way.InnerHandler, _handler) = (_handler, way);
        _ingests = [.. ingests.Select(ingest => NewHttp(ingest, _handler))];
    }

    /// <summary>Connections to any number of ingests.</summary>
    internal static HttpMessageHandler NewHandler(FeedClientOptions options) => new SocketsHttpHandler
    {
        ConnectTimeout = options.ConnectTimeout,
        AutomaticDecompression = DecompressionMethods.None,
        AllowAutoRedirect = false,
        UseProxy = false,
    };

    /// <summary>The way to one ingest; <paramref name="handler"/> is the caller's to dispose.</summary>
    internal static HttpClient NewHttp(Uri ingest, HttpMessageHandler handler) => new(handler, disposeHandler: false)
    {
        BaseAddress = new Uri(ingest, "/"),
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>How the list of streams stands, once <see cref="StreamsAsync"/> is being read.</summary>
    public FeedLink List => _list;

    /// <summary>The records of one stream; it need not exist yet.</summary>
    public FeedFollower Follow(string stream) => new(_ingests, stream, _options, _time, _logger);

    /// <summary>Names of the ingest's streams, each once, as they appear, until cancelled.</summary>
    public async IAsyncEnumerable<string> StreamsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        var backoff = new Backoff(_options, _time);
        for (var ingest = 0; ; ingest = (ingest + 1) % _ingests.Length)
        {
            using var lines = await ListAsync(_ingests[ingest], cancellationToken);
            while (lines is not null && await lines.NextAsync(cancellationToken) is { } stream)
            {
                backoff.Reset();
                if (stream.Length > 0 && known.Add(stream))
                    yield return stream;
            }

            await backoff.WaitAsync(cancellationToken);
        }
    }

    private async Task<StreamList?> ListAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var deadline = new CancellationTokenSource(_options.SilenceTimeout, _time);
        HttpResponseMessage? response = null;
        try
        {
            using var registration = cancellationToken.Register(deadline.Cancel);
            response = await http.GetAsync("feed", HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            response.EnsureSuccessStatusCode();
            var body = await response.Content.ReadAsStreamAsync(deadline.Token);
            _list = new FeedLink(true, _time.GetUtcNow(), null, _list.Connections + 1);
            return new StreamList(response, new StreamReader(body), deadline, this);
        }
        catch (Exception e) when (FeedFollower.IsOfTheLink(e, cancellationToken))
        {
            ListLost(e);
            response?.Dispose();
            deadline.Dispose();
            return null;
        }
    }

    private void ListLost(Exception e)
    {
        _list = _list with { Connected = false, LastError = e.Message };
        LogNoList(e.Message);
    }

    public void Dispose()
    {
        foreach (var http in _ingests)
            http.Dispose();
        _handler.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The ingest's list of streams is out of reach: {Reason}")]
    private partial void LogNoList(string reason);

    /// <summary>The lines of one connection: a JSON object with a name, or nothing but a sign of life.</summary>
    private sealed class StreamList(
        HttpResponseMessage response, StreamReader reader, CancellationTokenSource deadline, FeedClient client)
        : IDisposable
    {
        private readonly char[] _chars = new char[256];
        private readonly System.Text.StringBuilder _text = new();

        /// <summary>A name, "" for a sign of life, null when the connection is of no more use.</summary>
        public async Task<string?> NextAsync(CancellationToken cancellationToken)
        {
            try
            {
                while (true)
                {
                    for (var i = 0; i < _text.Length; i++)
                    {
                        if (_text[i] != '\n')
                            continue;
                        var line = _text.ToString(0, i);
                        _text.Remove(0, i + 1);
                        return line.Length == 0 ? "" : NameIn(line);
                    }

                    using var registration = cancellationToken.Register(deadline.Cancel);
                    deadline.CancelAfter(client._options.SilenceTimeout);
                    var count = await reader.ReadAsync(_chars, deadline.Token);
                    if (count == 0 || _text.Length + count > MaxLineChars)
                        throw new IOException("The list ended or makes no sense.");
                    _text.Append(_chars, 0, count);
                }
            }
            catch (Exception e) when (FeedFollower.IsOfTheLink(e, cancellationToken) || IsNonsense(e))
            {
                client.ListLost(e);
                return null;
            }
        }

        private static string? NameIn(string line)
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("stream").GetString();
        }

        private static bool IsNonsense(Exception e) =>
            e is JsonException or KeyNotFoundException or InvalidOperationException;

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
            deadline.Dispose();
        }
    }
}
