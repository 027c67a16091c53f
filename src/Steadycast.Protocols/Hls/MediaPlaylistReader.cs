using System.Collections.Immutable;
using System.Globalization;

namespace Steadycast.Protocols.Hls;

/// <summary>Collects a media playlist line by line (sections 4.4.3 to 4.4.5).</summary>
internal sealed class MediaPlaylistReader
{
    /// <summary>Each in another KEYFORMAT; three DRM systems are usual.</summary>
    private const int MaxKeys = 16;

    private const long MaxSequence = 1L << 53;

    private readonly ImmutableArray<MediaSegment>.Builder _segments = ImmutableArray.CreateBuilder<MediaSegment>();
    private readonly ImmutableArray<PreloadHint>.Builder _hints = ImmutableArray.CreateBuilder<PreloadHint>();
    private readonly ImmutableArray<RenditionReport>.Builder _reports = ImmutableArray.CreateBuilder<RenditionReport>();
    private MediaPlaylist _playlist = new();
    private long? _mediaSequence;
    private long? _targetDuration;

    // In force for all segments to come.
    private MediaMap? _map;
    private ImmutableArray<string> _keys = [];

    // Of the segment whose URI is still to come; the lines are kept in case it never does.
    private readonly List<string> _pendingLines = [];
    private readonly List<string> _others = [];
    private readonly List<PartialSegment> _parts = [];
    private (TimeSpan Duration, string Title)? _info;
    private (long Length, long? Offset)? _byteRange;
    private DateTimeOffset? _dateTime;
    private bool _discontinuity;
    private bool _gap;

    /// <summary>Whether a tag was seen that only media playlists have.</summary>
    public bool IsCertain { get; private set; }

    public void Read(string name, string value, ReadOnlySpan<char> line, int number)
    {
        if (!ReadOfPlaylist(name, value, number) && !ReadOfEdge(name, value))
            ReadOfSegment(name, value, line, number);
    }

    /// <exception cref="PlaylistFormatException">
    /// The text ends between a segment's tags and its URI: it was cut.
    /// </exception>
    public MediaPlaylist Finish(int lastLine) => _info is not null
        ? throw new PlaylistFormatException(lastLine, "a segment without a URI")
        : _playlist with
        {
            MediaSequence = _mediaSequence ?? 0,
            TargetDurationSeconds = (int)(_targetDuration ?? 0),
            Segments = _segments.ToImmutable(),
            TrailingParts = [.. _parts],
            PreloadHints = _hints.ToImmutable(),
            RenditionReports = _reports.ToImmutable(),
            OtherTags = [.. _pendingLines],
        };

    /// <summary>Tags that are said once, of the whole.</summary>
    private bool ReadOfPlaylist(string name, string value, int number)
    {
        switch (name)
        {
            case "#EXT-X-VERSION":
                var version = PlaylistReader.ReadInteger(value, number, "the version");
                _playlist = _playlist with { Version = (int)Math.Min(version, int.MaxValue) };
                return true;
            case "#EXT-X-INDEPENDENT-SEGMENTS":
                _playlist = _playlist with { IndependentSegments = true };
                return true;
            case "#EXT-X-TARGETDURATION":
                IsCertain = true;
                if (!AttributeList.TryParseSeconds(value, out var target))
                    throw new PlaylistFormatException(number, "the target duration is not a number of seconds");
                Once(ref _targetDuration, (long)Math.Ceiling(target.TotalSeconds), number, "target duration");
                return true;
            case "#EXT-X-MEDIA-SEQUENCE":
                IsCertain = true;
                Once(ref _mediaSequence, ReadSequence(value, number, "the media sequence"), number, "media sequence");
                return true;
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                IsCertain = true;
                var sequence = ReadSequence(value, number, "the discontinuity sequence");
                _playlist = _playlist with { DiscontinuitySequence = sequence };
                return true;
            case "#EXT-X-PLAYLIST-TYPE":
                _playlist = _playlist with { PlaylistType = value };
                return true;
            case "#EXT-X-I-FRAMES-ONLY":
                _playlist = _playlist with { IFramesOnly = true };
                return true;
            case "#EXT-X-ENDLIST":
                _playlist = _playlist with { EndList = true };
                return true;
            case "#EXT-X-SERVER-CONTROL":
                _playlist = _playlist with { ServerControl = ReadServerControl(AttributeList.Parse(value)) };
                return true;
            case "#EXT-X-PART-INF":
                _playlist = _playlist with { PartTarget = AttributeList.Parse(value).Seconds("PART-TARGET") };
                return true;
            case "#EXT-X-SKIP":
                var skipped = AttributeList.Parse(value).Integer("SKIPPED-SEGMENTS");
                if (skipped is null or < 1 or > PlaylistReader.MaxSegments)
                    throw new PlaylistFormatException(number, "EXT-X-SKIP without a number of segments");
                _playlist = _playlist with { SkippedSegments = (int)skipped };
                return true;
            default:
                return false;
        }
    }

    /// <summary>Tags about what comes after the last segment.</summary>
    private bool ReadOfEdge(string name, string value)
    {
        switch (name)
        {
            case "#EXT-X-PRELOAD-HINT":
                var hint = AttributeList.Parse(value);
                if (hint.Text("URI") is { } hinted)
                {
                    _hints.Add(new PreloadHint(
                        hint.Text("TYPE") ?? "PART",
                        hinted,
                        hint.Integer("BYTERANGE-START"),
                        hint.Integer("BYTERANGE-LENGTH")));
                }

                return true;
            case "#EXT-X-RENDITION-REPORT":
                var report = AttributeList.Parse(value);
                if (report.Text("URI") is { } uri)
                    _reports.Add(new RenditionReport(uri, report.Integer("LAST-MSN"), report.Integer("LAST-PART")));
                return true;
            default:
                return false;
        }
    }

    /// <summary>Tags before a segment, and its URI.</summary>
    private void ReadOfSegment(string name, string value, ReadOnlySpan<char> line, int number)
    {
        switch (name)
        {
            case "":
                EndSegment(value, number);
                return;
            case "#EXT-X-PART":
                ReadPart(AttributeList.Parse(value), number);
                return;
            case "#EXTINF":
                IsCertain = true;
                _info = ReadInfo(value, number);
                break;
            case "#EXT-X-BYTERANGE":
                _byteRange = ReadByteRange(value, number);
                break;
            case "#EXT-X-DISCONTINUITY":
                _discontinuity = true;
                break;
            case "#EXT-X-GAP":
                _gap = true;
                break;
            case "#EXT-X-MAP":
                _map = ReadMap(AttributeList.Parse(value), number);
                break;
            case "#EXT-X-KEY":
                _keys = WithKey(_keys, value);
                if (_keys.Length > MaxKeys)
                    throw new PlaylistFormatException(number, $"more than {MaxKeys} keys at once");
                break;
            case "#EXT-X-PROGRAM-DATE-TIME" when TryReadDateTime(value, out var time):
                _dateTime = time;
                break;
            default:
                _others.Add(line.ToString());
                break;
        }

        _pendingLines.Add(line.ToString());
    }

    private void EndSegment(string uri, int number)
    {
        if (_info is not { } info)
        {
            if (IsCertain)
                throw new PlaylistFormatException(number, "a URI without #EXTINF before it");
            return;
        }

        if (_segments.Count == PlaylistReader.MaxSegments)
            throw new PlaylistFormatException(number, $"more than {PlaylistReader.MaxSegments} segments");
        _segments.Add(new MediaSegment
        {
            Uri = uri,
            Duration = info.Duration,
            Title = info.Title,
            ByteRange = _byteRange is { } range ? Resolve(range, uri, number) : null,
            Discontinuity = _discontinuity,
            Gap = _gap,
            ProgramDateTime = _dateTime,
            Map = _map,
            Keys = _keys,
            Parts = [.. _parts],
            OtherTags = [.. _others],
        });
        (_info, _byteRange, _dateTime, _discontinuity, _gap) = (null, null, null, false, false);
        _parts.Clear();
        _others.Clear();
        _pendingLines.Clear();
    }

    /// <summary>
    /// "If o is not present, the sub-range begins at the next byte following the previous segment's" (4.4.4.2).
    /// </summary>
    private ByteRange Resolve((long Length, long? Offset) range, string uri, int number)
    {
        if (range.Offset is { } offset)
            return new ByteRange(range.Length, offset);
        if (_segments.Count > 0 && _segments[^1] is { ByteRange: { } before } last && last.Uri == uri)
            return new ByteRange(range.Length, before.Offset + before.Length);
        throw new PlaylistFormatException(number, "a byte range without an offset that continues nothing");
    }

    private void ReadPart(AttributeList attributes, int number)
    {
        if (attributes.Text("URI") is not { } uri || attributes.Seconds("DURATION") is not { } duration)
            throw new PlaylistFormatException(number, "EXT-X-PART without URI or DURATION");
        if (_parts.Count == PlaylistReader.MaxSegments)
            throw new PlaylistFormatException(number, $"more than {PlaylistReader.MaxSegments} parts");
        ByteRange? range = null;
        if (attributes.Text("BYTERANGE") is { } text)
        {
            var (length, offset) = ReadByteRange(text, number);
            var before = _parts.Count > 0 && _parts[^1].Uri == uri ? _parts[^1].ByteRange : null;
            range = new ByteRange(length, offset ?? before?.Offset + before?.Length ?? 0);
        }

        _parts.Add(new PartialSegment(uri, duration, attributes.Yes("INDEPENDENT"), attributes.Yes("GAP"), range));
    }

    private static long ReadSequence(string value, int number, string what)
    {
        var sequence = PlaylistReader.ReadInteger(value, number, what);
        return sequence <= MaxSequence
            ? sequence
            : throw new PlaylistFormatException(number, $"{what} is out of range");
    }

    private static (TimeSpan Duration, string Title) ReadInfo(string value, int number)
    {
        var comma = value.IndexOf(',');
        var seconds = comma < 0 ? value : value[..comma];
        if (!AttributeList.TryParseSeconds(seconds, out var duration))
            throw new PlaylistFormatException(number, "the duration of a segment is not a number of seconds");
        return (duration, comma < 0 ? "" : value[(comma + 1)..]);
    }

    private static MediaMap ReadMap(AttributeList attributes, int number)
    {
        if (attributes.Text("URI") is not { } uri)
            throw new PlaylistFormatException(number, "EXT-X-MAP without URI");
        if (attributes.Text("BYTERANGE") is not { } text)
            return new MediaMap(uri);
        var (length, offset) = ReadByteRange(text, number);
        return new MediaMap(uri, new ByteRange(length, offset ?? 0));
    }

    private static (long Length, long? Offset) ReadByteRange(string value, int number)
    {
        // Half of what a long holds, so that offset and length can be added.
        const long max = long.MaxValue / 2;
        var at = value.IndexOf('@');
        var length = PlaylistReader.ReadInteger(at < 0 ? value : value.AsSpan(0, at), number, "a byte range's length");
        long? offset = at < 0
            ? null
            : PlaylistReader.ReadInteger(value.AsSpan(at + 1), number, "a byte range's offset");
        return length <= max / 2 && offset is null or <= max / 2
            ? (length, offset)
            : throw new PlaylistFormatException(number, "a byte range out of all range");
    }

    /// <summary>NONE ends all keys; another one joins, or replaces the one of its own KEYFORMAT (4.4.4.4).</summary>
    private static ImmutableArray<string> WithKey(ImmutableArray<string> keys, string value)
    {
        var attributes = AttributeList.Parse(value);
        if (attributes.Text("METHOD") == "NONE")
            return [];
        return [.. keys.Where(k => FormatOf(AttributeList.Parse(k)) != FormatOf(attributes)), value];

        static string FormatOf(AttributeList key) => key.Text("KEYFORMAT") ?? "identity";
    }

    private static ServerControl ReadServerControl(AttributeList attributes) => new()
    {
        CanBlockReload = attributes.Yes("CAN-BLOCK-RELOAD"),
        CanSkipUntil = attributes.Seconds("CAN-SKIP-UNTIL"),
        CanSkipDateRanges = attributes.Yes("CAN-SKIP-DATERANGES"),
        HoldBack = attributes.Seconds("HOLD-BACK"),
        PartHoldBack = attributes.Seconds("PART-HOLD-BACK"),
    };

    /// <summary>ISO 8601; zones without a colon occur, and without a zone it is taken as UTC.</summary>
    private static bool TryReadDateTime(string value, out DateTimeOffset time) => DateTimeOffset.TryParse(
        value,
        CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces,
        out time);

    private static void Once(ref long? known, long value, int number, string what)
    {
        if (known is { } before && before != value)
            throw new PlaylistFormatException(number, $"a second {what}, {value} after {before}");
        known = value;
    }
}
