using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Telemetry;

/// <summary>One log record is one line: for people, or one JSON object with the message's fields beside it.</summary>
internal sealed class LogLineFormatter(LogLineOptions options, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "steadycast";

    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        var fields = logEntry.State as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
        textWriter.Write(options.Format == LogFormat.Json
            ? Json(logEntry.LogLevel, Room(logEntry.Category), message, fields, logEntry.Exception)
            : Text(logEntry.LogLevel, Room(logEntry.Category), message, logEntry.Exception));
        textWriter.Write('\n');
    }

    private string Text(LogLevel level, string room, string message, Exception? exception)
    {
        var (word, colour) = level switch
        {
            LogLevel.Trace => ("trace", "90"),
            LogLevel.Debug => ("debug", "90"),
            LogLevel.Information => ("info ", "32"),
            LogLevel.Warning => ("warn ", "33"),
            _ => ("error", "31"),
        };
        var line = new StringBuilder();
        line.Append(time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture)).Append(' ');
        line.Append(options.Colour ? $"\e[{colour}m{word}\e[0m" : word).Append(' ');
        line.Append(room).Append(": ").Append(OneLine(message));
        if (exception is not null)
            line.Append(" | ").Append(OneLine(level >= LogLevel.Error ? exception.ToString() : exception.Message));
        return line.ToString();
    }

    private string Json(
        LogLevel level, string room, string message, IReadOnlyList<KeyValuePair<string, object?>> fields,
        Exception? exception)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString(
                "time", time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("level", level.ToString().ToLowerInvariant());
            json.WriteString("logger", room);
            json.WriteString("message", message);
            foreach (var (name, value) in fields.Where(f => f.Key != "{OriginalFormat}"))
                WriteField(json, JsonNamingPolicy.SnakeCaseLower.ConvertName(name), value);
            if (exception is not null)
                json.WriteString("exception", exception.ToString());
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        // The record's own keys keep their meaning.
        if (name is "time" or "level" or "logger" or "message" or "exception")
            name += "_";
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            case int or long or short or byte or uint:
                json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(name, number);
                break;
            default:
                json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>
    /// <c>Steadycast.Streaming.Rtmp.RtmpDoor</c> is <c>rtmp</c> to an operator; others keep their last word.
    /// </summary>
    private static string Room(string category)
    {
        var parts = category.Split('.');
        return parts is ["Steadycast", _, var room, ..] ? room.ToLowerInvariant() : parts[^1];
    }

    /// <summary>What a peer sent may hold line ends and escape codes; a log line holds neither.</summary>
    private static string OneLine(string text) => text.Any(char.IsControl)
        ? string.Concat(text.ReplaceLineEndings(" | ").Select(c => char.IsControl(c) ? '?' : c))
        : text;
}

/// <summary>What the <c>log</c> section came to in this process.</summary>
/// <param name="Colour">Only on a terminal, and never with NO_COLOR.</param>
internal sealed record LogLineOptions(LogFormat Format, bool Colour);
