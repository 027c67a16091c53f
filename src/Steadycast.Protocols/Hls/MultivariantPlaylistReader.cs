using System.Collections.Immutable;
using System.Globalization;

namespace Steadycast.Protocols.Hls;

/// <summary>Collects a multivariant playlist line by line (section 4.4.6).</summary>
internal sealed class MultivariantPlaylistReader
{
    private const int MaxEntries = 1000;

    private readonly ImmutableArray<VariantStream>.Builder _variants = ImmutableArray.CreateBuilder<VariantStream>();
    private readonly ImmutableArray<Rendition>.Builder _renditions = ImmutableArray.CreateBuilder<Rendition>();
    private readonly ImmutableArray<string>.Builder _others = ImmutableArray.CreateBuilder<string>();
    private VariantStream? _pending;
    private int _version = 1;
    private bool _independent;

    /// <summary>Whether a tag was seen that only multivariant playlists have.</summary>
    public bool IsCertain { get; private set; }

    public void Read(string name, string value, ReadOnlySpan<char> line, int number)
    {
        switch (name)
        {
            case "":
                if (_pending is null)
                    return;
                _variants.Add(_pending with { Uri = value });
                _pending = null;
                break;
            case "#EXT-X-STREAM-INF":
                IsCertain = true;
                if (_pending is not null)
                    throw new PlaylistFormatException(number, "a variant without a URI before this one");
                _pending = ReadVariant(AttributeList.Parse(value));
                break;
            case "#EXT-X-MEDIA":
                IsCertain = true;
                _renditions.Add(ReadRendition(AttributeList.Parse(value)));
                break;
            case "#EXT-X-VERSION":
                _version = (int)Math.Min(PlaylistReader.ReadInteger(value, number, "the version"), int.MaxValue);
                break;
            case "#EXT-X-INDEPENDENT-SEGMENTS":
                _independent = true;
                break;
            case "#EXT-X-I-FRAME-STREAM-INF":
            case "#EXT-X-SESSION-DATA":
            case "#EXT-X-SESSION-KEY":
            case "#EXT-X-CONTENT-STEERING":
                IsCertain = true;
                _others.Add(line.ToString());
                break;
            default:
                if (_others.Count < MaxEntries)
                    _others.Add(line.ToString());
                break;
        }

        if (IsCertain && _variants.Count + _renditions.Count > MaxEntries)
            throw new PlaylistFormatException(number, $"more than {MaxEntries} variants and renditions");
    }

    public MultivariantPlaylist Finish(int lastLine)
    {
        if (_pending is not null)
            throw new PlaylistFormatException(lastLine, "a variant without a URI");
        return new MultivariantPlaylist
        {
            Version = _version,
            IndependentSegments = _independent,
            Variants = _variants.ToImmutable(),
            Renditions = _renditions.ToImmutable(),
            OtherTags = _others.ToImmutable(),
        };
    }

    private static VariantStream ReadVariant(AttributeList attributes)
    {
        var (width, height) = ReadResolution(attributes.Text("RESOLUTION"));
        return new VariantStream
        {
            Uri = "",
            Bandwidth = attributes.Integer("BANDWIDTH") ?? 0,
            AverageBandwidth = attributes.Integer("AVERAGE-BANDWIDTH"),
            Codecs = attributes.Text("CODECS") ?? "",
            Width = width,
            Height = height,
            FrameRate = attributes.Number("FRAME-RATE") ?? 0,
            Audio = attributes.Text("AUDIO"),
            Subtitles = attributes.Text("SUBTITLES"),
            OtherAttributes = attributes.Others(
                "BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS", "RESOLUTION", "FRAME-RATE", "AUDIO", "SUBTITLES"),
        };
    }

    private static Rendition ReadRendition(AttributeList attributes) => new(
        attributes.Text("TYPE") ?? "",
        attributes.Text("GROUP-ID") ?? "",
        attributes.Text("NAME") ?? "",
        attributes.Text("URI"),
        attributes.Yes("DEFAULT"),
        attributes.Yes("AUTOSELECT"),
        attributes.Others("TYPE", "GROUP-ID", "NAME", "URI", "DEFAULT", "AUTOSELECT"));

    private static (int Width, int Height) ReadResolution(string? text)
    {
        var by = text?.IndexOfAny(['x', 'X']) ?? -1;
        return by > 0
            && int.TryParse(text.AsSpan(0, by), NumberStyles.None, CultureInfo.InvariantCulture, out var width)
            && int.TryParse(text.AsSpan(by + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var height)
            ? (width, height)
            : (0, 0);
    }
}
