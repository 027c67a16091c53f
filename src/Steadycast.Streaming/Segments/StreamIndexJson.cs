using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steadycast.Streaming.Segments;

/// <summary>The index as <c>index.json</c>: what a packager writes, an origin serves and a switch follows.</summary>
public static class StreamIndexJson
{
    /// <summary>Ten hours of two-second segments are about 6 MB; nobody lists more.</summary>
    public const int MaxBytes = 8 << 20;

    public static byte[] Write(StreamIndex index) =>
        JsonSerializer.SerializeToUtf8Bytes(index, StreamIndexJsonContext.Default.StreamIndex);

    /// <summary>
    /// Reads an index that may come from anywhere; what it returns is safe to render into a playlist.
    /// </summary>
    /// <exception cref="FormatException">
    /// Not JSON, not an index, or one that contradicts itself; says where.
    /// </exception>
    public static StreamIndex Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes)
            throw new FormatException($"index.json: {utf8.Length} bytes are more than {MaxBytes}");
        StreamIndex? index;
        try
        {
            index = JsonSerializer.Deserialize(utf8, StreamIndexJsonContext.Default.StreamIndex);
        }
        catch (JsonException e)
        {
            throw new FormatException($"index.json: {e.Message}", e);
        }

        if (index is not null && index.Maps.IsDefault)
            index = index with { Maps = [] };
        if (StreamIndexRules.FindFault(index) is { } fault)
            throw new FormatException($"index.json: {fault}");
        return index!;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 8)]
[JsonSerializable(typeof(StreamIndex))]
[JsonSerializable(typeof(ImmutableArray<SegmentPart>))]
internal sealed partial class StreamIndexJsonContext : JsonSerializerContext;
