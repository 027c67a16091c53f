using System.Net;
using System.Net.Sockets;

namespace Steadycast.Streaming.Admission;

/// <summary>Why a connection was not taken in, or was put out again.</summary>
public enum EntryRefusal
{
    None,
    TooManyConnections,
    TooManyFromAddress,
    TooFast,

    /// <summary>It was the oldest that waited when one too many came.</summary>
    PutOut,
}

/// <summary>
/// Counts connections in, so that many who only wait cannot keep out one who has something to send. Safe from any
/// thread; its memory is bounded.
/// </summary>
public sealed class ConnectionGate(AdmissionOptions options, AdmissionMetrics metrics, TimeProvider time)
{
    /// <summary>Addresses whose arrivals are remembered; beyond that the table begins anew.</summary>
    private const int MaxAddresses = 100_000;

    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _waiting = new();
    private readonly Dictionary<IPAddress, int> _waitingOf = [];
    private readonly Dictionary<IPAddress, int> _insideOf = [];
    private readonly Dictionary<IPAddress, Arrivals> _arrivals = [];
    private int _connections;

    /// <summary>Connections that are inside now.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Takes a connection in; the entry is disposed when it ends.</summary>
    /// <param name="from">Where it comes from; null and loopback have no limit for each address.</param>
    /// <param name="putOut">Ends it from any thread, if it waits too long when others come; must not block.</param>
    /// <param name="refusal">Why not, when null is returned.</param>
    public Entry? TryEnter(EndPoint? from, Action putOut, out EntryRefusal refusal)
    {
        Entry? oldest = null;
        Entry? entry = null;
        lock (_lock)
        {
            IPAddress? address = AddressOf(from);
            refusal = Judge_NeedsLock(address);
            if (refusal == EntryRefusal.None)
            {
                if (_waiting.Count >= options.MaxWaiting)
                {
                    oldest = _waiting.First!.Value;
                    EndWaiting_NeedsLock(oldest);
                }

                entry = new Entry(this, address, putOut);
                entry.Node = _waiting.AddLast(entry);
                _connections++;
                Count(_waitingOf, address, 1);
                Count(_insideOf, address, 1);
            }
        }

        if (entry is null)
        {
            metrics.Refused(refusal);
            return null;
        }

        metrics.Entered();
        if (oldest is not null)
        {
            metrics.WaitingEnded();
            metrics.Refused(EntryRefusal.PutOut);
            oldest.PutOut();
        }

        return entry;
    }

    private EntryRefusal Judge_NeedsLock(IPAddress? address)
    {
        if (_connections >= options.MaxConnections)
            return EntryRefusal.TooManyConnections;
        if (address is null)
            return EntryRefusal.None;
        if (_waitingOf.GetValueOrDefault(address) >= options.MaxWaitingPerAddress
            || _insideOf.GetValueOrDefault(address) >= options.MaxPerAddress)
            return EntryRefusal.TooManyFromAddress;
        return TryArrive_NeedsLock(address) ? EntryRefusal.None : EntryRefusal.TooFast;
    }

    /// <summary>A token bucket for each address.</summary>
    private bool TryArrive_NeedsLock(IPAddress address)
    {
        long now = time.GetTimestamp();
        double burst = options.ArrivalBurst;
        double tokens = burst;
        if (_arrivals.TryGetValue(address, out Arrivals last))
        {
            double refill = time.GetElapsedTime(last.At, now).TotalSeconds * options.MaxArrivalsPerSecond;
            tokens = Math.Min(burst, last.Tokens + refill);
        }
        else if (_arrivals.Count >= MaxAddresses)
        {
            _arrivals.Clear(); // Forgives everyone at once, which costs less than an ordered table costs each arrival.
        }

        bool arrives = tokens >= 1;
        _arrivals[address] = new Arrivals(arrives ? tokens - 1 : tokens, now);
        return arrives;
    }

    private bool EndWaiting_NeedsLock(Entry entry)
    {
        if (entry.Node is null)
            return false;
        _waiting.Remove(entry.Node);
        entry.Node = null;
        Count(_waitingOf, entry.Address, -1);
        return true;
    }

    private static void Count(Dictionary<IPAddress, int> of, IPAddress? address, int change)
    {
        if (address is null)
            return;
        int count = of.GetValueOrDefault(address) + change;
        if (count == 0)
            of.Remove(address);
        else
            of[address] = count;
    }

    private void EndWaiting(Entry entry, bool leaves)
    {
        bool ended;
        lock (_lock)
        {
            ended = EndWaiting_NeedsLock(entry);
            if (leaves)
            {
                _connections--;
                Count(_insideOf, entry.Address, -1);
            }
        }

        if (ended)
            metrics.WaitingEnded();
    }

    /// <summary>Who shares a quota: an IPv4 address, an IPv6 /64; null for those who have none.</summary>
    private IPAddress? AddressOf(EndPoint? endPoint)
    {
        if (endPoint is not IPEndPoint { Address: var address }
            || (IPAddress.IsLoopback(address) && !options.LimitsLoopback))
            return null;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        byte[] network = address.GetAddressBytes();
        network.AsSpan(8).Clear();
        return new IPAddress(network);
    }

    /// <summary>A connection that was taken in.</summary>
    public sealed class Entry : IDisposable
    {
        private readonly ConnectionGate _gate;
        private readonly Action _putOut;
        private bool _left;

        internal Entry(ConnectionGate gate, IPAddress? address, Action putOut)
        {
            _gate = gate;
            Address = address;
            _putOut = putOut;
        }

        internal IPAddress? Address { get; }

        internal LinkedListNode<Entry>? Node { get; set; }

        /// <summary>It publishes or plays: it waits no more.</summary>
        public void LetIn() => _gate.EndWaiting(this, leaves: false);

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _left, true))
                _gate.EndWaiting(this, leaves: true);
        }

        internal void PutOut() => _putOut();
    }

    private readonly record struct Arrivals(double Tokens, long At);
}
