using System.Buffers.Binary;

namespace Steadycast.Protocols.MpegTs;

/// <summary>
/// Takes a transport stream apart: tables, PES packets, the clock, and everything that is wrong with it.
/// </summary>
/// <remarks>
/// Feed it segment after segment; what spans them (continuity, clock) is judged across them. Never throws on any bytes:
/// faults are counted and reading goes on. Keeps at most one unfinished PES packet per stream. Not thread-safe.
/// </remarks>
public sealed class TsReader
{
    private const int MaxPesBytes = 16 << 20;
    private const int MaxSection = 1024;
    private const int PesHeader = 9;

    private readonly Dictionary<int, PidState> _pids = [];
    private readonly byte[] _carry = new byte[TsPacket.Size];
    private readonly List<TsPes> _done = [];
    private int _carried;
    private int? _pmtPid;
    private long? _lastPcr;

    /// <summary>From the newest map table; null before the first.</summary>
    public TsProgram? Program { get; private set; }

    public long Packets { get; private set; }

    /// <summary>Counters that jumped: lost, repeated or misplaced packets.</summary>
    public long ContinuityErrors { get; private set; }

    /// <summary>Bytes passed over in search of 0x47.</summary>
    public long SyncErrors { get; private set; }

    /// <summary>
    /// Packets marked as damaged or scrambled, tables with a wrong checksum, PES packets without a head.
    /// </summary>
    public long DamagedPackets { get; private set; }

    public long PcrCount { get; private set; }

    /// <summary>Of the first and last program clock reference, in 1/27000000 s; null before the first.</summary>
    public long? FirstPcr { get; private set; }

    /// <summary>
    /// The greatest step from one PCR to the next in 1/27000000 s, over the wrap too; a step back is greater than
    /// any.
    /// </summary>
    public long MaxPcrStep { get; private set; }

    /// <summary>Reads whole packets and keeps the rest; returns the PES packets that ended.</summary>
    public IReadOnlyList<TsPes> Read(ReadOnlySpan<byte> bytes)
    {
        _done.Clear();
        if (_carried > 0)
        {
            var take = Math.Min(TsPacket.Size - _carried, bytes.Length);
            bytes[..take].CopyTo(_carry.AsSpan(_carried));
            _carried += take;
            bytes = bytes[take..];
            if (_carried < TsPacket.Size)
                return [.. _done];
            _carried = 0;
            ReadPacket(_carry);
        }

        while (!bytes.IsEmpty)
        {
            var sync = bytes.IndexOf(TsPacket.Sync);
            SyncErrors += sync < 0 ? bytes.Length : sync;
            if (sync < 0)
                break;
            bytes = bytes[sync..];
            if (bytes.Length < TsPacket.Size)
            {
                bytes.CopyTo(_carry);
                _carried = bytes.Length;
                break;
            }

            ReadPacket(bytes[..TsPacket.Size]);
            bytes = bytes[TsPacket.Size..];
        }

        return [.. _done];
    }

    /// <summary>Ends the PES packets that only the next one's start would end; at the end of a segment.</summary>
    public IReadOnlyList<TsPes> Flush()
    {
        _done.Clear();
        foreach (var (pid, state) in _pids.OrderBy(p => p.Key))
            EndPes(pid, state);
        return [.. _done];
    }

    private void ReadPacket(ReadOnlySpan<byte> packet)
    {
        Packets++;
        var pid = BinaryPrimitives.ReadUInt16BigEndian(packet[1..]) & TsPacket.MaxPid;
        if (pid == TsPacket.NullPid)
            return;
        var isDamaged = (packet[1] & 0x80) != 0;
        var isScrambled = (packet[3] & 0xC0) != 0;
        if (isDamaged || isScrambled)
        {
            DamagedPackets++;
            return;
        }

        if (!_pids.TryGetValue(pid, out var state))
            _pids[pid] = state = new PidState();
        byte flags = 0;
        var payload = packet[TsPacket.HeaderSize..];
        if ((packet[3] & TsPacket.HasAdaptation) != 0)
        {
            var length = payload[0];
            if (length > payload.Length - 1)
            {
                DamagedPackets++;
                return;
            }

            flags = length > 0 ? payload[1] : (byte)0;
            ReadPcr(pid, flags, payload.Slice(1, length));
            payload = payload[(1 + length)..];
        }

        var hasPayload = (packet[3] & TsPacket.HasPayload) != 0;
        if (!IsNew(state, packet[3] & 0x0F, hasPayload, flags) || !hasPayload)
            return;
        var start = (packet[1] & TsPacket.PayloadUnitStart) != 0;
        if (pid == TsPacket.PatPid || pid == _pmtPid)
            ReadTable(pid, state, start, payload);
        else
            ReadPesPart(pid, state, start, (flags & TsPacket.RandomAccessFlag) != 0, payload);
    }

    /// <summary>2.4.3.3: counts packets with payload; one repetition is allowed and carries nothing new.</summary>
    private bool IsNew(PidState state, int counter, bool hasPayload, byte flags)
    {
        var before = state.Counter;
        if ((flags & TsPacket.DiscontinuityFlag) != 0 || before < 0)
        {
            // A packet without payload shows the counter of the packet before it.
            (state.Counter, state.Repeated) = (counter, false);
            return true;
        }

        if (!hasPayload)
        {
            if (counter != before)
                ContinuityErrors++;
            return true;
        }

        if (counter == before && !state.Repeated)
        {
            state.Repeated = true;
            return false;
        }

        if (counter != (before + 1) % 16)
            ContinuityErrors++;
        (state.Counter, state.Repeated) = (counter, false);
        return true;
    }

    private void ReadPcr(int pid, byte flags, ReadOnlySpan<byte> field)
    {
        if ((flags & TsPacket.PcrFlag) == 0 || field.Length < 7 || (Program is not null && pid != Program.PcrPid))
            return;
        var time = (long)BinaryPrimitives.ReadUInt32BigEndian(field[1..]) << 1 | (long)(field[5] >> 7);
        var pcr = time * 300 + ((field[5] & 1) << 8 | field[6]);
        PcrCount++;
        FirstPcr ??= pcr;
        if (_lastPcr is { } last && (flags & TsPacket.DiscontinuityFlag) == 0)
        {
            const long cycle = (TsPacket.TimeMask + 1) * 300;
            MaxPcrStep = Math.Max(MaxPcrStep, (pcr - last + cycle) % cycle);
        }

        _lastPcr = pcr;
    }

    private void ReadTable(int pid, PidState state, bool start, ReadOnlySpan<byte> payload)
    {
        if (start)
        {
            var pointer = payload.IsEmpty ? 0 : payload[0];
            payload = payload.Length > pointer ? payload[(1 + pointer)..] : [];
            state.Data.Clear();
            state.Collecting = true;
        }

        if (!state.Collecting || state.Data.Count + payload.Length > MaxSection)
            return;
        state.Data.AddRange(payload);
        if (state.Data.Count < 3 || state.Data.Count < 3 + ((state.Data[1] & 0x0F) << 8 | state.Data[2]))
            return;
        state.Collecting = false;
        var section = state.Data.ToArray();
        if (pid == TsPacket.PatPid && TsTables.ReadPmtPid(section) is { } pmtPid)
            _pmtPid = pmtPid;
        else if (pid != TsPacket.PatPid && TsTables.ReadProgram(section) is { } program)
            Program = program;
        else
            DamagedPackets++;
    }

    private void ReadPesPart(int pid, PidState state, bool start, bool randomAccess, ReadOnlySpan<byte> payload)
    {
        if (start)
        {
            EndPes(pid, state);
            (state.Collecting, state.RandomAccess) = (true, randomAccess);
        }

        // What no table names is not kept: a stream may show 8,000 PIDs.
        if (!state.Collecting || StreamTypeOf(pid) is null)
            return;
        if (state.Data.Count + payload.Length > MaxPesBytes)
        {
            DamagedPackets++;
            (state.Collecting, state.Data) = (false, []);
            return;
        }

        state.Data.AddRange(payload);
    }

    private void EndPes(int pid, PidState state)
    {
        if (!state.Collecting || pid == TsPacket.PatPid || pid == _pmtPid)
            return;
        state.Collecting = false;
        var bytes = state.Data.ToArray();
        state.Data.Clear();
        if (StreamTypeOf(pid) is not { } type)
            return;
        if (TryReadPes(pid, type, bytes, state.RandomAccess, out var pes))
            _done.Add(pes);
        else
            DamagedPackets++;
    }

    private byte? StreamTypeOf(int pid)
    {
        foreach (var stream in Program?.Streams ?? [])
        {
            if (stream.Pid == pid)
                return stream.StreamType;
        }

        return null;
    }

    private static bool TryReadPes(int pid, byte type, byte[] bytes, bool randomAccess, out TsPes pes)
    {
        pes = null!;
        if (bytes.Length < PesHeader || bytes[0] != 0 || bytes[1] != 0 || bytes[2] != 1 || (bytes[6] & 0xC0) != 0x80)
            return false;
        var dataStart = PesHeader + bytes[8];
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(4));
        var end = length == 0 ? bytes.Length : 6 + length;
        if (dataStart > end || end > bytes.Length)
            return false;
        var hasPts = (bytes[7] & 0x80) != 0 && bytes[8] >= 5;
        var hasDts = hasPts && (bytes[7] & 0x40) != 0 && bytes[8] >= 10;
        long? pts = hasPts ? ReadTime(bytes.AsSpan(9)) : null;
        var dts = hasDts ? ReadTime(bytes.AsSpan(14)) : pts;
        pes = new TsPes(pid, type, bytes[3], pts, dts, randomAccess, bytes.AsMemory(dataStart..end));
        return true;
    }

    private static long ReadTime(ReadOnlySpan<byte> t) =>
        (long)(t[0] >> 1 & 7) << 30 | (long)t[1] << 22 | (long)(t[2] >> 1) << 15 | (long)t[3] << 7 | (long)(t[4] >> 1);

    private sealed class PidState
    {
        public int Counter { get; set; } = -1;

        public bool Repeated { get; set; }

        public bool Collecting { get; set; }

        public bool RandomAccess { get; set; }

        public List<byte> Data { get; set; } = [];
    }
}
