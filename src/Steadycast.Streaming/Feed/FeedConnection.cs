using System.Buffers;
using System.IO.Pipelines;

namespace Steadycast.Streaming.Feed;

/// <summary>One connection's bytes and its deadline for silence.</summary>
internal sealed class FeedConnection : IAsyncDisposable
{
    private const int ReadBytes = 64 * 1024;

    private readonly TimeSpan _silence;
    private readonly CancellationTokenSource _deadline;
    private readonly HttpResponseMessage _response;
    private readonly PipeReader _reader;
    private ReadOnlySequence<byte> _buffer;
    private bool _reading;
    private bool _greeted;

    private FeedConnection(
        HttpResponseMessage response, Stream body, TimeSpan silence, CancellationTokenSource deadline)
    {
        (_response, _silence, _deadline) = (response, silence, deadline);
        _reader = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: ReadBytes));
    }

    /// <summary>Where an ingest serves a stream's feed, relative to its address.</summary>
    public static string PathOf(string stream) =>
        "feed/" + string.Join('/', stream.Split('/').Select(Uri.EscapeDataString));

    /// <summary>From a segment on, and with what is known of the stream: see <see cref="FeedEndpoint"/>.</summary>
    public static string PathOf(string stream, long from, uint epochId, long edgeMsn) =>
        $"{PathOf(stream)}?from={from}" + (epochId > 0 ? $"&epoch={epochId}&edge={edgeMsn}" : "");

    public static Task<FeedConnection> OpenAsync(
        HttpClient http, string path, TimeSpan silence, TimeProvider time, CancellationToken cancellationToken) =>
        OpenAsync(http, path, silence, silence, time, cancellationToken);

    /// <param name="silence">How long the feed may say nothing.</param>
    /// <param name="answer">How long the answer may take to begin.</param>
    public static async Task<FeedConnection> OpenAsync(
        HttpClient http,
        string path,
        TimeSpan silence,
        TimeSpan answer,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var deadline = new CancellationTokenSource(answer, time);
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

    /// <summary>A header of the answer; null when there is none.</summary>
    public string? Header(string name) =>
        _response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    public bool TryTake(out FeedRecord record)
    {
        record = default;
        if (!_greeted)
            _greeted = FeedCodec.TryReadPreamble(ref _buffer);
        return _greeted && FeedCodec.TryRead(ref _buffer, out record);
    }

    /// <summary>False at the end of the body, also where that is inside of a record.</summary>
    public async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        var left = _buffer.Length;
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
        return !read.IsCompleted || read.Buffer.Length > left;
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.CompleteAsync();
        _response.Dispose();
        _deadline.Dispose();
    }
}
