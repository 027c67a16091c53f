using System.Text;
using System.Text.Json.Nodes;
using Steadycast.Streaming.Segments;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

public sealed class StreamIndexJsonTests
{
    public static readonly TheoryData<string, Action<JsonObject>> Lies = new()
    {
        { "stream", o => o["stream"] = "../etc" },
        { "target_duration_seconds", o => o["target_duration_seconds"] = 0 },
        { "segments", o => o["segments"] = new JsonArray() },
        { "segments", o => o["segments"]!.AsArray().Add(null) },
        { "codecs", o => o["variant"]!["codecs"] = "avc1\"\n#EXT-X-ENDLIST" },
        { "picture size", o => o["variant"]!["width"] = -1 },
        { "frame_rate", o => o["variant"]!["frame_rate"] = -1 },
        { "map", o => o["maps"]![0]!["uri"] = "../x" },
        { "init", o => o["maps"]![0]!["bytes"] = 0 },
        { "map that is not listed", o => o["maps"] = new JsonArray() },
        { "not consecutive", o => o["segments"]![1]!["msn"] = 1 },
        { "out of range", o => o["segments"]![0]!["msn"] = -1 },
        { "object name", o => o["segments"]![1]!["uri"] = "a.m4s\n#EXT-X-ENDLIST" },
        { "object name", o => o["segments"]![1]!["uri"] = "http://elsewhere/a.m4s" },
        { "duration", o => o["segments"]![1]!["duration"] = 0 },
        { "program_date_time", o => o["segments"]![1]!["program_date_time_ms"] = long.MaxValue },
        { "does not follow", o => o["segments"]![1]!["discontinuity_sequence"] = 3 },
        { "does not follow", o => o["segments"]![1]!["discontinuity_sequence"] = 1 },
        { "discontinuity_sequence", o => o["segments"]![1]!["discontinuity"] = true },
        { "independent", o => o["segments"]![1]!.AsObject().Remove("independent") },
        { "independent_segments", o => o.Remove("independent_segments") },
        { "codecs", o => o["variant"]!.AsObject().Remove("codecs") },
        { "discontinuity_sequence", o => o["segments"]![0]!["discontinuity"] = true },
        { "epoch_id", o => o["segments"]![1]!["epoch_id"] = 0 },
        { "timeline_id", o => o["segments"]![1]!["timeline_id"] = 1_000_000_000 },
        { "hash", o => o["segments"]![1]!["sha256"] = "00" },
        { "hash", o => o["segments"]![1]!["bytes"] = 0 },
        { "hash", o => o["segments"]![1]!["bytes"] = int.MaxValue },
        { "gap with bytes", o => o["segments"]![1]!["gap"] = true },
        { "variant", o => o.Remove("variant") },
        { "msn", o => o["segments"]![1]!.AsObject().Remove("msn") },
        { "", o => o["segments"] = "all" },
        { "", o => o["variant"] = null },
        { "", o => o["segments"]![1]!["uri"] = null },
    };

    [Fact]
    public void An_index_comes_back_as_it_was()
    {
        var index = Append(Index(), Record(
            BaseMsn + 4, 720_000, 45_045, discontinuity: true, discontinuitySequence: 1, independent: false));
        var read = StreamIndexJson.Read(StreamIndexJson.Write(index));
        Assert.Equal(index.Segments, read.Segments);
        Assert.Equal(index.Maps, read.Maps);
        Assert.Equal(index with { Segments = [], Maps = [] }, read with { Segments = [], Maps = [] });
        Assert.Equal(StreamIndexJson.Write(index), StreamIndexJson.Write(read));
    }

    [Fact]
    public void Names_are_in_snake_case()
    {
        var json = JsonNode.Parse(StreamIndexJson.Write(Index()))!;
        Assert.Equal(BaseMsn + 3, (long)json["edge"]!);
        Assert.Equal(2, (int)json["target_duration_seconds"]!);
        Assert.Equal(AnchorUtcMs, (long)json["segments"]![0]!["program_date_time_ms"]!);
    }

    [Fact]
    public void What_is_left_out_has_its_default_and_what_is_unknown_is_passed_over()
    {
        var json = JsonNode.Parse(StreamIndexJson.Write(Append(null, Record(BaseMsn, 0, map: null))))!.AsObject();
        json.Remove("maps");
        json["segments"]![0]!.AsObject().Remove("gap");
        json["next_year"] = new JsonObject();
        var read = StreamIndexJson.Read(Encoding.UTF8.GetBytes(json.ToJsonString()));
        Assert.Empty(read.Maps);
        Assert.False(read.Segments[0].Gap);
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public void A_lie_is_found(string where, Action<JsonObject> lie)
    {
        var json = JsonNode.Parse(StreamIndexJson.Write(Index()))!.AsObject();
        lie(json);
        var bytes = Encoding.UTF8.GetBytes(json.ToJsonString());
        var fault = Assert.Throws<FormatException>(() => StreamIndexJson.Read(bytes));
        Assert.StartsWith("index.json: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(where, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"stream\":")]
    public void What_is_no_index_is_refused(string json) =>
        Assert.Throws<FormatException>(() => StreamIndexJson.Read(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Mangled_bytes_are_an_index_or_a_format_fault()
    {
        var good = StreamIndexJson.Write(Index());
        for (var seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            var bytes = good.ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var length = random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length;
            try
            {
                PlaylistBuilder.Media(StreamIndexJson.Read(bytes.AsSpan(0, length)));
            }
            catch (FormatException)
            {
                continue;
            }
        }
    }

    [Fact]
    public void Size_is_bounded() =>
        Assert.Throws<FormatException>(() => StreamIndexJson.Read(new byte[StreamIndexJson.MaxBytes + 1]));
}
