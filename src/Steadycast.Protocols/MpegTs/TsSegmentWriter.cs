using System.Buffers;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.MpegTs;

/// <summary>Writes one HLS segment as MPEG-TS: a pure function of its access units and its number.</summary>
/// <remarks>
/// Segments join without a continuity error whoever wrote them: PAT and PMT stand once, at the front, with the counter
/// <c>msn &amp; 15</c>, and the number of payload packets of every media PID is a multiple of 16, so each segment
/// starts at counter 0. No clock, no state, no randomness.
/// </remarks>
public static class TsSegmentWriter
{
    /// <summary>
    /// Added to every PTS and DTS, in 1/90000 s: 1.4 s, as FFmpeg does. It keeps the PCR, which runs ahead of the DTS,
    /// above 0 from media time 0 on, and leaves room for pictures shown before the first one decoded.
    /// </summary>
    public const long TimeOffset = 126_000;

    /// <summary>How far the PCR runs ahead of the DTS, in 1/90000 s: 0.7 s, what a decoder may buffer.</summary>
    public const long PcrLead = 63_000;

    /// <summary>ISO/IEC 13818-1, 2.7.2: a PCR at least every 0.1 s.</summary>
    private const long MaxPcrGap = 9_000;

    /// <summary>
    /// No more than this is filled with PCR packets, in 1/90000 s: beyond lies a fault, not a slow camera.
    /// </summary>
    private const long MaxPcrFill = 600 * 90_000;

    /// <summary>Audio frames share a PES packet until it spans this: four frames of AAC at 48 kHz.</summary>
    private const long AudioGroupSpan = 6_300;

    /// <summary>Well inside PES_packet_length's 16 bits with one more frame of the greatest size.</summary>
    private const int AudioGroupBytes = 32_000;

    /// <summary>Whether MPEG-TS as written here has a stream type for it.</summary>
    public static bool CanCarry(Codec codec) => codec is Codec.H264 or Codec.H265 or Codec.Aac or Codec.Mp3;

    /// <param name="tracks">Video first; the first one carries the PCR.</param>
    /// <param name="msn">The segment's media sequence number.</param>
    /// <param name="end">Media time in 1/90000 s at which the next segment begins.</param>
    /// <param name="units">In decoding order over all tracks.</param>
    /// <exception cref="CodecFormatException">
    /// A configuration or an access unit that cannot be understood, or a frame that ADTS cannot carry.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// No track, one whose codec <see cref="CanCarry"/> denies, a unit of no track.
    /// </exception>
    public static void Write(
        IBufferWriter<byte> output,
        IReadOnlyList<TrackConfig> tracks,
        long msn,
        long end,
        IReadOnlyList<TsAccessUnit> units)
    {
        if (tracks.Count == 0)
            throw new ArgumentException("a segment without tracks", nameof(tracks));
        var streams = tracks.Select(t => new TsElementaryStream(t)).ToArray();
        TsTables.Write(output, msn, streams);
        new Segment(output, streams).Write(units, end);
    }

    private sealed class Segment(IBufferWriter<byte> output, TsElementaryStream[] streams)
    {
        private readonly TsElementaryStream _pcrStream = streams[0];
        private long? _lastPcrDts;

        public void Write(IReadOnlyList<TsAccessUnit> units, long end)
        {
            var lastVideo = LastVideoUnits(units);
            for (var i = 0; i < units.Count; i++)
            {
                var unit = units[i];
                var stream = StreamOf(unit.TrackId);
                if (stream.IsVideo)
                    WriteVideo(stream, unit, isLast: lastVideo[unit.TrackId] == i);
                else
                    AddAudio(stream, unit);
            }

            foreach (var stream in streams)
                WriteAudioGroup(stream, isLast: true);
            FillClock(end);
        }

        private void WriteVideo(TsElementaryStream stream, in TsAccessUnit unit, bool isLast)
        {
            FillClock(unit.Dts);
            if (stream != _pcrStream)
                StartClock(unit.Dts);
            stream.BeginVideo(unit);
            WritePes(stream, unit.Dts, unit.IsKeyframe, isLast);
        }

        private void AddAudio(TsElementaryStream stream, in TsAccessUnit unit)
        {
            if (stream != _pcrStream)
            {
                StartClock(unit.Dts);
                FillClock(unit.Dts);
            }

            if (stream.HasGroup
                && (unit.Dts - stream.GroupDts >= AudioGroupSpan || stream.PesLength >= AudioGroupBytes))
            {
                WriteAudioGroup(stream, isLast: false);
            }

            stream.AddAudio(unit);
        }

        private void WriteAudioGroup(TsElementaryStream stream, bool isLast)
        {
            if (!stream.HasGroup)
                return;
            if (stream == _pcrStream)
                FillClock(stream.GroupDts);
            stream.EndAudioGroup();
            WritePes(stream, stream.GroupDts, randomAccess: stream == _pcrStream, isLast);
            stream.ClearGroup();
        }

        private void WritePes(TsElementaryStream stream, long dts, bool randomAccess, bool isLast)
        {
            // A clock that audio has pushed ahead of a late picture does not go back for it.
            var carriesPcr = stream == _pcrStream && (_lastPcrDts is null || dts > _lastPcrDts);
            if (carriesPcr)
                _lastPcrDts = dts;
            stream.WritePackets(output, carriesPcr ? Pcr(dts) : null, randomAccess, isLast);
        }

        /// <summary>A segment that starts with another track than the clock's says the time all the same.</summary>
        private void StartClock(long dts)
        {
            if (_lastPcrDts is not null)
                return;
            _pcrStream.WriteClock(output, Pcr(dts));
            _lastPcrDts = dts;
        }

        private void FillClock(long dts)
        {
            if (_lastPcrDts is not { } clock || dts - clock > MaxPcrFill)
                return;
            while (dts - clock > MaxPcrGap)
            {
                clock += MaxPcrGap;
                _pcrStream.WriteClock(output, Pcr(clock));
            }

            _lastPcrDts = clock;
        }

        private TsElementaryStream StreamOf(byte trackId) =>
            Array.Find(streams, s => s.TrackId == trackId)
            ?? throw new ArgumentException($"no track {trackId} in this segment", nameof(trackId));

        private static long Pcr(long dts) => (dts + TimeOffset - PcrLead) & TsPacket.TimeMask;

        private static int[] LastVideoUnits(IReadOnlyList<TsAccessUnit> units)
        {
            var last = new int[byte.MaxValue + 1];
            for (var i = 0; i < units.Count; i++)
                last[units[i].TrackId] = i;
            return last;
        }
    }
}
