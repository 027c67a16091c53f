using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.MpegTs;

/// <summary>
/// One track on its way into one segment: access units to PES packets (2.4.3.6) to transport stream packets.
/// </summary>
internal sealed class TsElementaryStream
{
    private const byte FirstVideoStreamId = 0xE0;
    private const byte FirstAudioStreamId = 0xC0;
    private const int PesLengthOffset = 4;
    private const int PesPrefix = 6;
    private const int CounterCycle = 16;

    private static readonly byte[] StartCode = [0, 0, 0, 1];
    private static readonly byte[] H264Delimiter = [0, 0, 0, 1, 0x09, 0xF0];
    private static readonly byte[] H265Delimiter = [0, 0, 0, 1, 0x46, 0x01, 0x50];

    private readonly ImmutableArray<ReadOnlyMemory<byte>> _parameterSets = [];
    private readonly AacConfig? _aac;
    private readonly Mp3Config? _mp3;
    private readonly byte _streamId;
    private readonly List<byte> _pes = [];
    private int _packets;

    public TsElementaryStream(TrackConfig track)
    {
        TrackId = track.TrackId;
        Codec = track.Codec;
        IsVideo = track.IsVideo;
        Pid = TsPacket.FirstMediaPid + track.TrackId - 1;
        _streamId = (byte)((IsVideo ? FirstVideoStreamId : FirstAudioStreamId) + (track.TrackId - 1) % 16);
        switch (track.Codec)
        {
            case Codec.H264:
                var avc = H264Config.Parse(track.Record);
                _parameterSets = [.. avc.SequenceParameterSets, .. avc.PictureParameterSets];
                break;
            case Codec.H265:
                var hevc = H265Config.Parse(track.Record);
                _parameterSets =
                    [.. hevc.VideoParameterSets, .. hevc.SequenceParameterSets, .. hevc.PictureParameterSets];
                break;
            case Codec.Aac:
                _aac = AacConfig.Parse(track.Record);
                break;
            case Codec.Mp3:
                _mp3 = Mp3Config.Parse(track.Record.Span);
                break;
            default:
                throw new ArgumentException($"MPEG-TS does not carry {track.Codec}", nameof(track));
        }
    }

    public byte TrackId { get; }

    public Codec Codec { get; }

    public bool IsVideo { get; }

    public int Pid { get; }

    public byte StreamType => Codec switch
    {
        Codec.H264 => TsStreamType.H264,
        Codec.H265 => TsStreamType.H265,
        Codec.Aac => TsStreamType.AacAdts,
        _ => _mp3 is { IsMpeg1: false } ? TsStreamType.Mpeg2Audio : TsStreamType.Mpeg1Audio,
    };

    /// <summary>Whether audio frames wait for the PES packet that they share.</summary>
    public bool HasGroup { get; private set; }

    /// <summary>Of the group's first frame.</summary>
    public long GroupDts { get; private set; }

    public int PesLength => _pes.Count;

    /// <summary>Delimiter, parameter sets before a keyframe, then the picture's own NAL units.</summary>
    public void BeginVideo(in TsAccessUnit unit)
    {
        var pts = unit.Dts + unit.CompositionOffset;
        BeginPes(pts, Math.Min(unit.Dts, pts));
        _pes.AddRange(Codec == Codec.H264 ? H264Delimiter : H265Delimiter);
        if (unit.IsKeyframe)
        {
            foreach (var set in _parameterSets)
                AddNal(set.Span);
        }

        foreach (var nal in NalUnits.Of(unit.Payload.Span))
        {
            if (!IsDelimiter(nal) && !IsKnownParameterSet(nal))
                AddNal(nal);
        }
    }

    public void AddAudio(in TsAccessUnit unit)
    {
        if (!HasGroup)
        {
            BeginPes(unit.Dts, unit.Dts);
            (HasGroup, GroupDts) = (true, unit.Dts);
        }

        if (_aac is not null)
        {
            Span<byte> header = stackalloc byte[_aac.AdtsHeaderLength];
            _aac.WriteAdtsHeader(header, unit.Payload.Length);
            _pes.AddRange(header);
        }

        _pes.AddRange(unit.Payload.Span);
    }

    /// <summary>"A value of 0 is allowed only in PES packets whose payload is video" (2.4.3.7).</summary>
    public void EndAudioGroup()
    {
        var length = _pes.Count - PesPrefix;
        if (length > ushort.MaxValue)
            throw new CodecFormatException("PES", PesLengthOffset, $"Audio frames of {length} bytes in one packet");
        _pes[PesLengthOffset] = (byte)(length >> 8);
        _pes[PesLengthOffset + 1] = (byte)length;
    }

    public void ClearGroup() => HasGroup = false;

    /// <summary>Writes the PES packet that has been built.</summary>
    /// <param name="pcr">In 1/90000 s, 33 bits; in the first packet.</param>
    /// <param name="isLast">
    /// Of this segment: it is spread over as many packets more as make the segment's payload packets a multiple of 16.
    /// </param>
    public void WritePackets(IBufferWriter<byte> output, long? pcr, bool randomAccess, bool isLast)
    {
        var left = _pes.Count;
        var flags = (byte)((pcr is null ? 0 : TsPacket.PcrFlag) | (randomAccess ? TsPacket.RandomAccessFlag : 0));
        var firstCapacity = TsPacket.MaxPayload - TsPacketWriter.AdaptationSize(flags);
        var packets = 1 + (Math.Max(0, left - firstCapacity) + TsPacket.MaxPayload - 1) / TsPacket.MaxPayload;
        if (isLast)
            packets += (CounterCycle - (_packets + packets) % CounterCycle) % CounterCycle;

        var pes = CollectionsMarshal.AsSpan(_pes);
        for (var i = 0; i < packets; i++)
        {
            var capacity = i == 0 ? firstCapacity : TsPacket.MaxPayload;
            // Every packet after this one needs at least one byte; a PES packet has more than 16.
            var take = Math.Min(capacity, pes.Length - (packets - i - 1));
            TsPacketWriter.Write(
                output, Pid, start: i == 0, _packets++, i == 0 ? flags : (byte)0, i == 0 ? pcr : null, pes[..take]);
            pes = pes[take..];
        }
    }

    /// <summary>A packet with a PCR and nothing else; it does not count (2.4.3.3).</summary>
    public void WriteClock(IBufferWriter<byte> output, long pcr) =>
        TsPacketWriter.Write(output, Pid, start: false, _packets - 1, TsPacket.PcrFlag, pcr, []);

    private void BeginPes(long pts, long dts)
    {
        var hasDts = pts != dts;
        _pes.Clear();
        _pes.AddRange([0, 0, 1, _streamId, 0, 0]);
        // '10', data_alignment_indicator | PTS_DTS_flags | PES_header_data_length
        _pes.AddRange([0x84, (byte)(hasDts ? 0xC0 : 0x80), (byte)(hasDts ? 10 : 5)]);
        AddTime((byte)(hasDts ? 0x30 : 0x20), pts);
        if (hasDts)
            AddTime(0x10, dts);
    }

    /// <summary>4 bits of prefix, then 33 bits in threes and fifteens with a marker after each.</summary>
    private void AddTime(byte prefix, long time)
    {
        var t = (time + TsSegmentWriter.TimeOffset) & TsPacket.TimeMask;
        _pes.AddRange(
        [
            (byte)(prefix | (byte)(t >> 29 & 0x0E) | 1),
            (byte)(t >> 22),
            (byte)(t >> 14 | 1),
            (byte)(t >> 7),
            (byte)(t << 1 | 1),
        ]);
    }

    private void AddNal(ReadOnlySpan<byte> nal)
    {
        _pes.AddRange(StartCode);
        _pes.AddRange(nal);
    }

    private bool IsDelimiter(ReadOnlySpan<byte> nal) => Codec == Codec.H264
        ? H264Nal.TypeOf(nal) == H264Nal.AccessUnitDelimiter
        : H265Nal.TypeOf(nal) == H265Nal.AccessUnitDelimiter;

    /// <summary>Only what is repeated word for word goes: a set that differs is the encoder's news.</summary>
    private bool IsKnownParameterSet(ReadOnlySpan<byte> nal)
    {
        foreach (var set in _parameterSets)
        {
            if (set.Span.SequenceEqual(nal))
                return true;
        }

        return false;
    }
}
