using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Server.Configuration;
using Steadycast.Server.Telemetry;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Telemetry;

public sealed class LogLineFormatterTests
{
    [Fact]
    public void Text_is_one_line_whatever_the_peer_sent() =>
        Assert.Equal(
            "00:00:00.000 info  rtmp: Publish of live/\u003f[31mshow | evil refused.\n",
            Line(LogFormat.Text, "live/\e[31mshow\nevil"));

    [Fact]
    public void Json_has_the_fields_of_the_message_beside_it()
    {
        var json = JsonDocument.Parse(Line(LogFormat.Json, "live/show")).RootElement;

        Assert.Equal("2030-01-01T00:00:00.000Z", json.GetProperty("time").GetString());
        Assert.Equal("information", json.GetProperty("level").GetString());
        Assert.Equal("rtmp", json.GetProperty("logger").GetString());
        Assert.Equal("Publish of live/show refused.", json.GetProperty("message").GetString());
        Assert.Equal("live/show", json.GetProperty("stream_name").GetString());
        Assert.Equal(7, json.GetProperty("connection_id").GetInt32());
    }

    private static string Line(LogFormat format, string stream)
    {
        var formatter = new LogLineFormatter(new LogLineOptions(format, Colour: false), new ManualTime());
        KeyValuePair<string, object?>[] fields =
            [new("StreamName", stream), new("ConnectionId", 7),
                new("{OriginalFormat}", "Publish of {StreamName} refused.")];
        var entry = new LogEntry<IReadOnlyList<KeyValuePair<string, object?>>>(
            LogLevel.Information, "Steadycast.Streaming.Rtmp.RtmpDoor", default, fields, null,
            (f, _) => $"Publish of {f[0].Value} refused.");
        using var text = new StringWriter();
        formatter.Write(entry, null, text);
        return text.ToString();
    }
}
