using System.Buffers;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>
/// What a publisher that is not on air has sent lately: groups of pictures, each from its keyframe, with the headers
/// in force there.
/// </summary>
/// <remarks>
/// Reaches as far back as a takeover may be late, plus one group; so nothing is lost by the time that it takes to see a
/// fault. Bounded in bytes: then older groups go first, and a single group that is too large is given up until the next
/// keyframe. Memory of a group that goes is used by the next one. Used by the stream's writer only.
/// </remarks>
internal sealed class StandbyBuffer(TimeSpan reach, int maxBytes, TimeProvider time)
{
    // Where there is no video one may begin anywhere: groups only bound what is kept.
    private static readonly TimeSpan AudioGroup = TimeSpan.FromSeconds(1);

    private readonly List<Group> groups = [];
    private Group? spare;
    private long bytes;
    private bool hasVideo;

    /// <summary>The headers in force.</summary>
    public TrackHeaders Headers { get; private set; } = TrackHeaders.None;

    /// <summary>Whether there is anything to go on air with.</summary>
    public bool CanBegin => groups.Count > 0;

    public long Bytes => bytes;

    /// <summary>Starts empty.</summary>
    /// <param name="headers">What this publisher sent while it was on air.</param>
    public void Begin(TrackHeaders headers)
    {
        Clear();
        Headers = headers;
        hasVideo = headers.Items.Any(h => h.Type == RtmpMessageType.Video);
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        groups.Clear();
        (spare, bytes, hasVideo, Headers) = (null, 0, false, TrackHeaders.None);
    }

    /// <summary>A header is in force from here on.</summary>
    public void SetHeaders(TrackHeaders headers) => Headers = headers;

    /// <summary>Keeps a message.</summary>
    /// <returns>
    /// <c>true</c> when it was kept; <c>null</c> when it comes before anything that one can begin with; <c>false</c>
    /// when the group was given up because it grew too large.
    /// </returns>
    public bool? Add(in MediaMessage message, in MessageKind kind, long now)
    {
        if (message.Type == RtmpMessageType.Video && !hasVideo)
        {
            // Sound alone is nothing to begin with any more: who goes on air now begins with a picture.
            hasVideo = true;
            DropOldest(groups.Count);
        }

        if (Begins(message, kind, now))
            groups.Add(NewGroup(now));
        if (groups.Count == 0)
            return null;
        groups[^1].Add(message, now);
        bytes += message.Payload.Length;
        while (groups.Count > 1 && (bytes > maxBytes || time.GetElapsedTime(groups[1].BeganAt, now) >= reach))
            DropOldest(1);
        if (bytes <= maxBytes)
            return true;
        DropOldest(1);
        return false;
    }

    /// <summary>
    /// The group to go on air with so that nothing is lost: the newest that began no later than a moment, or the
    /// oldest.
    /// </summary>
    public int GroupAt(long moment)
    {
        int group = groups.Count - 1;
        while (group > 0 && groups[group].BeganAt > moment)
            group--;
        return group;
    }

    /// <summary>The newest group.</summary>
    public int Newest => groups.Count - 1;

    /// <summary>The headers in force where a group begins.</summary>
    public TrackHeader[] HeadersOf(int group) => groups[group].Headers.Items;

    /// <summary>How many messages a group has.</summary>
    public int CountOf(int group) => groups[group].Count;

    /// <summary>One message of a group, and when it came; the payload is valid until the buffer changes.</summary>
    public (MediaMessage Message, long ArrivedAt) Read(int group, int index) => groups[group].Read(index);

    private bool Begins(in MediaMessage message, in MessageKind kind, long now)
    {
        if (kind.Flags.Has(LogMessageFlags.Keyframe))
            return true;
        return !hasVideo && kind.IsCoded && message.Type == RtmpMessageType.Audio
            && (groups.Count == 0 || time.GetElapsedTime(groups[^1].BeganAt, now) >= AudioGroup);
    }

    private Group NewGroup(long now)
    {
        Group group = spare ?? new Group();
        spare = null;
        group.Begin(Headers, now);
        return group;
    }

    private void DropOldest(int count)
    {
        for (int i = 0; i < count; i++)
        {
            bytes -= groups[i].Bytes;
            spare = groups[i];
        }

        groups.RemoveRange(0, count);
    }

    private sealed class Group
    {
        private readonly ArrayBufferWriter<byte> payloads = new(256 * 1024);
        private readonly List<Item> items = [];

        public TrackHeaders Headers { get; private set; } = TrackHeaders.None;

        public long BeganAt { get; private set; }

        public int Count => items.Count;

        public int Bytes => payloads.WrittenCount;

        public void Begin(TrackHeaders headers, long now)
        {
            (Headers, BeganAt) = (headers, now);
            payloads.ResetWrittenCount();
            items.Clear();
        }

        public void Add(in MediaMessage message, long now)
        {
            items.Add(new Item(message.Type, message.Timestamp, now, payloads.WrittenCount, message.Payload.Length));
            payloads.Write(message.Payload.Span);
        }

        public (MediaMessage Message, long ArrivedAt) Read(int index)
        {
            Item item = items[index];
            ReadOnlyMemory<byte> payload = payloads.WrittenMemory.Slice(item.Offset, item.Length);
            return (new MediaMessage(item.Type, item.Timestamp, payload), item.ArrivedAt);
        }
    }

    private readonly record struct Item(
        RtmpMessageType Type, uint Timestamp, long ArrivedAt, int Offset, int Length);
}
