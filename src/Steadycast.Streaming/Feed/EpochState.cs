using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Where the numbering of all streams is kept over restarts: one small file per stream, replaced whole.
/// </summary>
/// <remarks>Synchronous: a number must be on the disk before it is on the wire. About 300 bytes each segment.</remarks>
internal sealed partial class EpochState(string? directory, TimeProvider time, FeedMetrics metrics, ILogger logger)
{
    private const int MaxFileBytes = 16 * 1024;

    /// <summary>Why the last write failed; null when it did not. Readiness says so.</summary>
    public string? Fault { get; private set; }

    /// <summary>What an earlier process left; null: nothing.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="wasLost">There was something, but it cannot be believed: it was set aside.</param>
    public StreamNumbers? Load(string stream, out bool wasLost)
    {
        wasLost = false;
        if (directory is null)
            return null;
        var path = PathOf(stream);
        try
        {
            if (!File.Exists(path))
                return null;
            if (new FileInfo(path).Length <= MaxFileBytes &&
                JsonSerializer.Deserialize(File.ReadAllBytes(path), StateJson.Default.StateFile) is { } file &&
                file.Check == CheckOf(stream, file.State) && IsPossible(file.State))
                return file.State;
            SetAside(stream, path, "its check does not match");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            SetAside(stream, path, e.Message);
        }

        wasLost = true;
        return null;
    }

    /// <summary>Stores the state; on the disk, not only on its way there, when this returns.</summary>
    public void Save(string stream, StreamNumbers state)
    {
        if (directory is null)
            return;
        var path = PathOf(stream);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(file, new StateFile(state, CheckOf(stream, state)),
                    StateJson.Default.StateFile);
                file.Flush(flushToDisk: true);
            }

            File.Move(path + ".new", path, overwrite: true);
            Fault = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Fault is null)
                LogNotSaved(stream, e.Message);
            Fault = $"the numbering of {stream} cannot be stored: {e.Message}";
            metrics.StateFailed("save");
            Forget(path);
        }
    }

    /// <summary>
    /// An old state would give numbers out twice after a restart; with none they come from the clock.
    /// </summary>
    private void Forget(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotForgotten(path, e.Message);
        }
    }

    private void SetAside(string stream, string path, string reason)
    {
        metrics.StateFailed("load");
        var aside = $"{path}.corrupt-{time.GetUtcNow():yyyyMMddHHmmss}";
        LogSetAside(stream, aside, reason);
        try
        {
            File.Move(path, aside, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotForgotten(path, e.Message);
        }
    }

    // A stream's name is safe as a relative path and never ends in ".json" (StreamName).
    private string PathOf(string stream) => Path.Combine(directory!, stream + ".json");

    private static bool IsPossible(StreamNumbers state) =>
        state is { NextMsn: >= 0, DiscontinuitySequence: >= 0, TargetDurationSeconds: > 0 and <= 60, EndTime: >= 0 };

    private static string CheckOf(string stream, StreamNumbers state)
    {
        // Without such tracks as it was before there were any: files of then still match.
        var text = $"{state}".Replace($", {nameof(StreamNumbers.ExtraTracks)} = 0", "", StringComparison.Ordinal);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{stream} {text}")).AsSpan(0, 8));
    }

    [LoggerMessage(Level = LogLevel.Error,
        Message =
            "The numbering of {StreamName} cannot be stored ({Reason}); after a restart numbers come from the clock")]
    private partial void LogNotSaved(string streamName, string reason);

    [LoggerMessage(Level = LogLevel.Error,
        Message =
            "The stored numbering of {StreamName} is set aside as {Path} ({Reason}); numbers come from the clock")]
    private partial void LogSetAside(string streamName, string path, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The stale numbering {Path} cannot be removed: {Reason}")]
    private partial void LogNotForgotten(string path, string reason);

    internal sealed record StateFile(StreamNumbers State, string Check);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
        RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
    [JsonSerializable(typeof(StateFile))]
    private sealed partial class StateJson : JsonSerializerContext;
}
