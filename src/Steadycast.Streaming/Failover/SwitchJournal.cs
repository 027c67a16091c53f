using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// The switch's memory of one stream over restarts: what it published, and the bytes, in a store on disk.
/// </summary>
/// <remarks>
/// Written before viewers see it, so that a switch killed at any moment starts at or above what they saw; but a disk
/// that dawdles or is full never holds up a live stream: each write is waited for a quarter of a second, then left to
/// itself.
/// </remarks>
internal sealed partial class SwitchJournal : IAsyncDisposable
{
    private const int MaxWaiting = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly string _stream;
    private readonly ISegmentStore _store;
    private readonly SwitchMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Entry> _entries =
        Channel.CreateBounded<Entry>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Task _writing;

    public SwitchJournal(string stream, ISegmentStore store, SwitchMetrics metrics, TimeProvider time, ILogger logger)
    {
        (_stream, _store, _metrics, _time, _logger) = (stream, store, metrics, time, logger);
        _writing = WriteAllAsync();
    }

    public StreamIndex? Load() => _store.Find(_stream);

    public Task SaveAsync(SegmentResponse response, string name) =>
        EnqueueAsync(() => _store.PutAsync(_stream, name, response.Bytes, CancellationToken.None));

    public Task SaveAsync(StreamIndex index) => EnqueueAsync(() => _store.PublishAsync(index, CancellationToken.None));

    public async Task<ReadOnlyMemory<byte>?> ReadAsync(string name)
    {
        try
        {
            return await _store.ReadAsync(_stream, name, CancellationToken.None);
        }
        catch (IOException e)
        {
            Log.ReadFailed(_logger, _stream, name, e.Message);
            return null;
        }
    }

    /// <summary>Writes what is waiting, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _entries.Writer.TryComplete();
        await _writing;
    }

    private async Task EnqueueAsync(Func<ValueTask> write)
    {
        var entry = new Entry(write);
        if (!_entries.Writer.TryWrite(entry))
        {
            _metrics.StateWriteFailed();
            return;
        }

        await Task.WhenAny(entry.Done.Task, Task.Delay(Patience, _time));
    }

    private async Task WriteAllAsync()
    {
        await foreach (var entry in _entries.Reader.ReadAllAsync())
        {
            try
            {
                await entry.Write();
            }
            catch (IOException e)
            {
                _metrics.StateWriteFailed();
                Log.WriteFailed(_logger, _stream, e.Message);
            }
            finally
            {
                entry.Done.SetResult();
            }
        }
    }

    private sealed record Entry(Func<ValueTask> Write)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "{StreamName}: the switch's state cannot be written: {Reason}")]
        public static partial void WriteFailed(ILogger logger, string streamName, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{StreamName}: {Object} cannot be read back: {Reason}")]
        public static partial void ReadFailed(ILogger logger, string streamName, string @object, string reason);
    }
}
