using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// Which origin an operator has pinned, stream by stream: <c>pins.json</c> in the state directory, so that a restart in
/// the middle of maintenance sends nobody back.
/// </summary>
/// <remarks>Thread-safe. A pin that cannot be written holds all the same, until the switch is restarted.</remarks>
internal sealed partial class PinFile
{
    private const string FileName = "pins.json";
    private const int MaxBytes = 1 << 20;

    private readonly string _path;
    private readonly SwitchMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _pins;

    /// <summary>Reads what an earlier process left; a file that is none is reported and counts as empty.</summary>
    public PinFile(string directory, SwitchMetrics metrics, ILogger logger)
    {
        (_path, _metrics, _logger) = (Path.Combine(directory, FileName), metrics, logger);
        _pins = Read();
    }

    /// <summary>The pinned origin's name; null when there is none.</summary>
    public string? Find(string stream)
    {
        lock (_gate)
            return _pins.GetValueOrDefault(stream);
    }

    /// <summary>Returns when it is on disk, or could not be written.</summary>
    public Task SetAsync(string stream, string? origin) => Task.Run(() =>
    {
        lock (_gate)
        {
            if (origin is null)
                _pins.Remove(stream);
            else
                _pins[stream] = origin;
            Write();
        }
    });

    private Dictionary<string, string> Read()
    {
        try
        {
            var file = new FileInfo(_path);
            if (!file.Exists)
                return [];
            if (file.Length > MaxBytes)
                throw new JsonException($"{file.Length} bytes");
            return JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(_path)) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            Log.ReadFailed(_logger, _path, e.Message);
            return [];
        }
    }

    private void Write()
    {
        try
        {
            File.WriteAllBytes(_path + ".new", JsonSerializer.SerializeToUtf8Bytes(_pins));
            File.Move(_path + ".new", _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _metrics.StateWriteFailed();
            Log.WriteFailed(_logger, _path, e.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} cannot be read, no origin is pinned: {Reason}")]
        public static partial void ReadFailed(ILogger logger, string path, string reason);

        [LoggerMessage(
            Level = LogLevel.Error, Message = "{Path} cannot be written; a restart forgets the pin: {Reason}")]
        public static partial void WriteFailed(ILogger logger, string path, string reason);
    }
}
