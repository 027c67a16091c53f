using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.MpegTs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>
/// Lays a segment out as its playlists share it: one object, of which each playlist names a range; with one audio track
/// the whole of it. Pure.
/// </summary>
/// <remarks>
/// <code>
/// fMP4     pictures | first sound | second sound | ...   index.m3u8: the first two; video.m3u8, audio-N.m3u8: one
/// MPEG-TS  pictures and first sound | second sound | ...   index.m3u8: the first; audio-N.m3u8: one
/// </code>
/// The sounds alone have one track number, so that tracks of one configuration have one initialisation section. A track
/// that is silent in a segment has the first sound's range: a player waits for sound, and whoever chose the track hears
/// something.
/// </remarks>
internal sealed class SegmentLayout
{
    /// <summary>Room for a segment's fragments among the numbers of all: seamless-failover 5.2, as for parts.</summary>
    private const uint FragmentsPerSegment = 256;

    private readonly SegmentMuxer _main;
    private readonly ImmutableArray<TrackConfig> _mainTracks;
    private readonly List<Lane> _alone = [];
    private readonly List<Lane> _extras = [];
    private readonly bool _isDemuxed;

    /// <exception cref="CodecFormatException">
    /// A track that cannot be described, or one of the first two that the container cannot carry.
    /// </exception>
    public SegmentLayout(Container container, ImmutableArray<TrackConfig> tracks)
    {
        Tracks = tracks;
        _mainTracks = [.. tracks.Where(track => !FeedTracks.IsExtra(track.TrackId))];
        _main = new SegmentMuxer(container, _mainTracks);
        Descriptions = _main.Descriptions;
        Maps = _main.Map is null ? [] : [_main.Map];
        var extras = tracks.Where(track => FeedTracks.IsExtra(track.TrackId)).ToList();
        LeftOut = [.. extras.Where(track => container == Container.Ts && !TsSegmentWriter.CanCarry(track.Codec))];
        _extras.AddRange(extras.Except(LeftOut).Select(track => new Lane(container, track)));
        if (_extras.Count == 0)
            return;

        _isDemuxed = container == Container.Fmp4;
        _alone.AddRange(_mainTracks.Where(track => _isDemuxed || !track.IsVideo)
            .Select(track => new Lane(container, track)));
        var lanes = _alone.Concat(_extras).ToList();
        Descriptions = [.. _main.Descriptions, .. _extras.Select(lane => lane.Description)];
        var alone = lanes.Select(lane => lane.Muxer.Map).OfType<PackagedMap>();
        Maps = [.. Maps.Concat(alone).DistinctBy(map => map.Record)];
        var variant = lanes[0].IsVideo ? ObjectName.VideoPlaylist : ObjectName.MediaPlaylist;
        var sounds = lanes.Where(lane => !lane.IsVideo);
        Audio = new AudioGroup(variant, [.. sounds.Select(lane => Rendition(lane, variant))]);
    }

    public ImmutableArray<TrackConfig> Tracks { get; }

    public IReadOnlyList<TrackDescription> Descriptions { get; }

    /// <summary>The initialisation sections, that of <c>index.m3u8</c> first; none for MPEG-TS.</summary>
    public ImmutableArray<PackagedMap> Maps { get; }

    /// <summary>Null with one audio track, or none.</summary>
    public AudioGroup? Audio { get; }

    /// <summary>Audio tracks beside the first one that the container cannot carry.</summary>
    public ImmutableArray<TrackConfig> LeftOut { get; }

    public string UriOf(long msn) => _main.UriOf(msn);

    /// <param name="parts">Null: all of it is <c>index.m3u8</c>'s.</param>
    /// <exception cref="CodecFormatException">An access unit that the container has no way to carry.</exception>
    public ReadOnlyMemory<byte> Write(StampedSegment segment, out SegmentParts? parts)
    {
        parts = null;
        if (Audio is null)
            return _main.Write(LeftOut.IsEmpty ? segment : Main(segment));
        var output = new Output(segment);
        SegmentPart? sound = null;
        if (_isDemuxed)
        {
            foreach (var lane in _alone)
                sound = output.Add(lane) is { } part && !lane.IsVideo ? part : sound;
            output.Name(ObjectName.MediaPlaylist, 0, _main.Map!.Record.Uri);
        }
        else
        {
            output.Append(_main.Write(Main(segment)));
            output.Name(ObjectName.MediaPlaylist, 0, map: null);
        }

        foreach (var lane in _extras)
        {
            if (output.Add(lane) is not null)
                continue;
            // In MPEG-TS the first sound is not in the object alone, unless it is needed so.
            sound ??= _alone.Where(first => !first.IsVideo).Select(output.Add).FirstOrDefault();
            if (sound is not null)
                output.Parts.Add(sound with { Playlist = lane.Playlist });
        }

        parts = new SegmentParts([.. output.Parts]);
        return output.ToArray();
    }

    /// <summary>The first sound is muxed with the pictures, unless those have a playlist of their own.</summary>
    private static AudioRendition Rendition(Lane lane, string variant)
    {
        var isMuxed = !lane.IsExtra && variant == ObjectName.MediaPlaylist;
        return new AudioRendition(
            $"Audio {lane.Number + 1}", lane.Description.Channels, isMuxed ? null : lane.Playlist);
    }

    private StampedSegment Main(StampedSegment segment) => segment with
    {
        Begin = segment.Begin with { Tracks = _mainTracks },
        AccessUnits = [.. segment.AccessUnits.Where(unit => !FeedTracks.IsExtra(unit.TrackId))],
    };

    /// <summary>One track alone, as one playlist has it.</summary>
    private sealed class Lane
    {
        private readonly byte _trackId;
        private readonly TrackConfig _alone;

        public Lane(Container container, TrackConfig track)
        {
            _trackId = track.TrackId;
            _alone = track.IsVideo ? track : track with { TrackId = FeedTracks.Audio };
            Muxer = new SegmentMuxer(container, [_alone]);
        }

        public SegmentMuxer Muxer { get; }

        public TrackDescription Description => Muxer.Descriptions[0];

        public bool IsVideo => _alone.IsVideo;

        public bool IsExtra => FeedTracks.IsExtra(_trackId);

        public int Number => FeedTracks.AudioNumber(_trackId);

        public string Playlist => IsVideo ? ObjectName.VideoPlaylist : ObjectName.AudioPlaylist(Number);

        public StampedSegment Of(StampedSegment segment) => segment with
        {
            Begin = segment.Begin with { Tracks = [_alone] },
            AccessUnits =
            [
                .. segment.AccessUnits.Where(unit => unit.TrackId == _trackId)
                    .Select(unit => unit with { TrackId = _alone.TrackId }),
            ],
        };
    }

    /// <summary>The object under way.</summary>
    private sealed class Output(StampedSegment segment)
    {
        private readonly List<ReadOnlyMemory<byte>> _pieces = [];
        private int _length;

        public List<SegmentPart> Parts { get; } = [];

        /// <summary>Null: the track has nothing in this segment.</summary>
        public SegmentPart? Add(Lane lane)
        {
            var alone = lane.Of(segment);
            if (alone.AccessUnits.Count == 0)
                return null;
            var offset = _length;
            var sequence = (uint)segment.Begin.Msn * FragmentsPerSegment + (uint)_pieces.Count;
            Append(lane.Muxer.Write(alone, sequence));
            return Name(lane.Playlist, offset, lane.Muxer.Map?.Record.Uri);
        }

        public void Append(ReadOnlyMemory<byte> piece)
        {
            _pieces.Add(piece);
            _length = checked(_length + piece.Length);
        }

        /// <summary>From <paramref name="offset"/> up to here it is the playlist's.</summary>
        public SegmentPart? Name(string playlist, int offset, string? map)
        {
            if (offset == _length)
                return null;
            Parts.Add(new SegmentPart(playlist, offset, _length - offset, map));
            return Parts[^1];
        }

        public byte[] ToArray()
        {
            var bytes = new byte[_length];
            var at = 0;
            foreach (var piece in _pieces)
            {
                piece.CopyTo(bytes.AsMemory(at));
                at += piece.Length;
            }

            return bytes;
        }
    }
}
