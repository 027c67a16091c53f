using System.Collections;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steadycast.Streaming.Segments;

/// <summary>What one media playlist names of a segment: a range of the segment's object.</summary>
/// <param name="Playlist">The playlist's name: <c>index.m3u8</c>, <c>video.m3u8</c>, <c>audio-1.m3u8</c>.</param>
/// <param name="Offset">In bytes from the beginning of the object.</param>
/// <param name="Bytes">Length of the range.</param>
/// <param name="MapUri">The EXT-X-MAP of this range; null for MPEG-TS.</param>
public sealed record SegmentPart(string Playlist, int Offset, int Bytes, string? MapUri = null);

/// <summary>
/// The parts of a segment that several media playlists share: one object, so that all of them have it or none has.
/// </summary>
/// <remarks>Equal when their parts are: records of two packagers are compared by value.</remarks>
[JsonConverter(typeof(JsonForm))]
public sealed class SegmentParts(ImmutableArray<SegmentPart> parts)
    : IReadOnlyList<SegmentPart>, IEquatable<SegmentParts>
{
    public int Count => parts.Length;

    public SegmentPart this[int index] => parts[index];

    /// <summary>Null: the playlist has nothing of the segment.</summary>
    public SegmentPart? Find(string playlist) => parts.FirstOrDefault(part => part.Playlist == playlist);

    /// <summary>
    /// What a viewer fetches of the segment at most: pictures, or all that is muxed, and the largest of the sounds.
    /// </summary>
    public int ViewerBytes
    {
        get
        {
            var main = Find(ObjectName.VideoPlaylist) ?? Find(ObjectName.MediaPlaylist);
            return (main?.Bytes ?? 0) + parts.Where(part => ObjectName.IsAudioPlaylist(part.Playlist))
                .Select(part => part.Bytes).DefaultIfEmpty(0).Max();
        }
    }

    public bool Equals(SegmentParts? other) => other is not null && parts.SequenceEqual([.. other]);

    public override bool Equals(object? obj) => Equals(obj as SegmentParts);

    public override int GetHashCode() => parts.IsEmpty ? 0 : HashCode.Combine(parts.Length, parts[^1]);

    public IEnumerator<SegmentPart> GetEnumerator() => parts.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A plain array.</summary>
    internal sealed class JsonForm : JsonConverter<SegmentParts>
    {
        public override SegmentParts Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize(ref reader, StreamIndexJsonContext.Default.ImmutableArraySegmentPart));

        public override void Write(Utf8JsonWriter writer, SegmentParts value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, [.. value], StreamIndexJsonContext.Default.ImmutableArraySegmentPart);
    }
}
