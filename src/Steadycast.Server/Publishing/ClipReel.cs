using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Server.Publishing;

/// <summary>One message of a clip on the reel's timeline.</summary>
/// <param name="TimeMs">
/// Since the reel began; never less than the message before of the same kind, over loops, too.
/// </param>
/// <param name="IsHeader">Metadata or a sequence header: what a connection must begin with.</param>
/// <param name="IsJoin">Where a connection may begin: a keyframe, or any sound as long as there is no picture.</param>
internal readonly record struct ReelMessage(
    long TimeMs, RtmpMessageType Type, ReadOnlyMemory<byte> Payload, bool IsHeader, bool IsJoin);

/// <summary>A clip on one endless timeline. Pure but for reading the clip.</summary>
/// <param name="clip">What is played first.</param>
internal sealed class ClipReel(Clip clip, bool loop)
{
    private volatile Clip _wanted = clip;
    private readonly Dictionary<RtmpMessageType, byte[]> _headers = [];
    private bool _hasVideo;

    /// <summary>What a connection begins with, in the order of the file.</summary>
    public IReadOnlyCollection<KeyValuePair<RtmpMessageType, byte[]>> Headers => _headers;

    /// <summary>
    /// Goes over to another clip at the next keyframe, as an encoder with new settings does. Thread-safe; for reels
    /// that loop.
    /// </summary>
    public void Show(Clip other) => _wanted = other;

    /// <summary>Each payload is valid until the next message is asked for.</summary>
    public IEnumerable<ReelMessage> Play()
    {
        long begin = 0;
        do
        {
            var video = new Track();
            var audio = new Track();
            uint? first = null;
            long? cut = null;
            var current = _wanted;
            foreach (var message in current.Read())
            {
                first ??= message.Timestamp;
                long time = unchecked((int)(message.Timestamp - first.Value));
                var (isHeader, isKeyframe) = Look(message);
                if (isKeyframe && !isHeader && _wanted != current)
                {
                    cut = time;
                    break;
                }

                // The same headers again at each loop would only say that something might have changed.
                if (isHeader && (IsEmpty(message) || IsKnown(message)))
                    continue;
                if (!isHeader && message.Type == RtmpMessageType.Video)
                    video.Add(time);
                else if (!isHeader && message.Type == RtmpMessageType.Audio)
                    audio.Add(time);
                _hasVideo |= message.Type == RtmpMessageType.Video;
                var isJoin = (isKeyframe && !isHeader)
                    || (!_hasVideo && !isHeader && message.Type == RtmpMessageType.Audio);
                yield return new ReelMessage(
                    begin + Math.Max(0, time), message.Type, message.Payload, isHeader, isJoin);
            }

            var duration = Math.Max(video.DurationMs, audio.DurationMs);
            // A clip without duration would spin.
            if (cut is null && duration == 0)
                yield break;
            begin += cut ?? duration;
        }
        while (loop);
    }

    private static (bool IsHeader, bool IsKeyframe) Look(MediaMessage message)
    {
        var payload = message.Payload.Span;
        return message.Type switch
        {
            RtmpMessageType.Video when VideoTagHeader.TryRead(payload, out var video) =>
                (video.IsSequenceHeader, video.IsKeyframe),
            RtmpMessageType.Audio when AudioTagHeader.TryRead(payload, out var audio) =>
                (audio.IsSequenceHeader, false),
            RtmpMessageType.DataAmf0 => (true, false),
            _ => (false, false),
        };
    }

    /// <summary>GStreamer's flvmux writes an AAC header without a configuration before the one that has it.</summary>
    private static bool IsEmpty(MediaMessage message) =>
        message.Type == RtmpMessageType.Audio && message.Payload.Length <= 2;

    private bool IsKnown(MediaMessage message)
    {
        if (_headers.TryGetValue(message.Type, out var known) && message.Payload.Span.SequenceEqual(known))
            return true;
        _headers[message.Type] = message.Payload.ToArray();
        return false;
    }

    /// <summary>
    /// How long a track lasts: to the end of its last frame, whose length is the average of the others.
    /// </summary>
    private struct Track
    {
        private long _last;
        private long _frames;

        public readonly long DurationMs =>
            _frames < 2 ? _last : (long)Math.Round((double)_last * _frames / (_frames - 1));

        public void Add(long time)
        {
            _last = Math.Max(_last, time);
            _frames++;
        }
    }
}
