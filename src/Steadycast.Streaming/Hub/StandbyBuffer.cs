using System.Buffers;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>What became of a message that was to be kept.</summary>
internal enum StandbyStep
{
    Kept,

    /// <summary>Kept, and the first of a group.</summary>
    Begun,

    /// <summary>A header that is in force already.</summary>
    Known,

    /// <summary>There is nothing before it that one could begin with.</summary>
    TooEarly,

    /// <summary>A header for which there is no place.</summary>
    TooManyTracks,

    /// <summary>Its group grew too large and is gone.</summary>
    GivenUp,
}

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

    /// <summary>Keeps a message.</summary>
    /// <param name="now">When it came.</param>
    public StandbyStep Add(in MediaMessage message, in MessageKind kind, long now)
    {
        if (kind.HeaderKey != 0)
        {
            if (Headers.Has(message, kind))
                return StandbyStep.Known;
            if (Headers.With(TrackHeader.Of(message, kind)) is not { } changed)
                return StandbyStep.TooManyTracks;
            Headers = changed;
        }

        if (message.Type == RtmpMessageType.Video && !hasVideo)
        {
            // Sound alone is nothing to begin with any more: who goes on air now begins with a picture.
            hasVideo = true;
            DropOldest(groups.Count);
        }

        bool begins = Begins(message, kind, now);
        if (begins)
            groups.Add(NewGroup(now));
        if (groups.Count == 0)
            return kind.IsCoded ? StandbyStep.TooEarly : StandbyStep.Kept;
        groups[^1].Add(message, now);
        bytes += message.Payload.Length;
        while (groups.Count > 1 && (bytes > maxBytes || time.GetElapsedTime(groups[1].BeganAt, now) >= reach))
            DropOldest(1);
        if (bytes <= maxBytes)
            return begins ? StandbyStep.Begun : StandbyStep.Kept;
        DropOldest(1);
        return StandbyStep.GivenUp;
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

    /// <summary>
    /// The headers in force where a group begins, then all messages from there on, each with the time when it came
    /// (headers: <paramref name="now"/>). Below 0: the headers of now alone. Valid until the buffer changes.
    /// </summary>
    public IEnumerable<(MediaMessage Message, long ArrivedAt)> From(int group, long now)
    {
        foreach (TrackHeader header in (group < 0 ? Headers : groups[group].Headers).Items)
            yield return (new MediaMessage(header.Type, header.WireTimestamp, header.Payload), now);
        foreach (Group kept in groups.Skip(group < 0 ? groups.Count : group))
            for (int i = 0; i < kept.Count; i++)
                yield return kept.Read(i);
    }

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
