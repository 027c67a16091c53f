using System.Net;
using Steadycast.Streaming.Admission;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Admission;

public sealed class ConnectionGateTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly TestMeters _meters = new();

    [Fact]
    public void One_address_may_not_take_all_places()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxWaitingPerAddress = 2 });

        Assert.NotNull(Enter(gate, "192.0.2.1"));
        ConnectionGate.Entry second = Enter(gate, "192.0.2.1")!;
        Assert.Null(Enter(gate, "192.0.2.1", EntryRefusal.TooManyFromAddress));
        Assert.NotNull(Enter(gate, "192.0.2.2"));

        second.LetIn();
        Assert.NotNull(Enter(gate, "192.0.2.1"));
        Assert.Equal(4, gate.Connections);
        Assert.Equal(3, _meters.Sum("steadycast_admission_waiting_connections"));
    }

    [Fact]
    public void A_network_of_64_bits_is_one_address_and_loopback_has_no_limit()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxWaitingPerAddress = 1 });

        Assert.NotNull(Enter(gate, "2001:db8::1"));
        Assert.Null(Enter(gate, "2001:db8::2:3:4:5", EntryRefusal.TooManyFromAddress));
        Assert.NotNull(Enter(gate, "2001:db8:0:1::1"));
        Assert.NotNull(Enter(gate, "192.0.2.1"));
        Assert.Null(Enter(gate, "::ffff:192.0.2.1", EntryRefusal.TooManyFromAddress));
        for (int i = 0; i < 10; i++)
            Assert.NotNull(Enter(gate, i % 2 == 0 ? "127.0.0.1" : "::1"));
    }

    [Fact]
    public void One_address_may_have_so_many_connections_whatever_they_do()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxPerAddress = 2 });
        ConnectionGate.Entry publisher = Enter(gate, "192.0.2.1")!;
        publisher.LetIn();
        using ConnectionGate.Entry waiting = Enter(gate, "192.0.2.1")!;

        Assert.Null(Enter(gate, "192.0.2.1", EntryRefusal.TooManyFromAddress));
        Assert.NotNull(Enter(gate, "192.0.2.2"));

        publisher.Dispose();
        Assert.NotNull(Enter(gate, "192.0.2.1"));
    }

    [Fact]
    public void Loopback_may_be_given_the_limits_of_an_address()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxPerAddress = 1, LimitsLoopback = true });

        Assert.NotNull(Enter(gate, "127.0.0.1"));
        Assert.Null(Enter(gate, "127.0.0.1", EntryRefusal.TooManyFromAddress));
    }

    [Fact]
    public void The_oldest_that_waits_makes_room()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxWaiting = 2 });
        List<string> put = [];
        using ConnectionGate.Entry publisher = gate.TryEnter(null, () => put.Add("publisher"), out _)!;
        publisher.LetIn();
        using ConnectionGate.Entry first = gate.TryEnter(null, () => put.Add("first"), out _)!;
        using ConnectionGate.Entry second = gate.TryEnter(null, () => put.Add("second"), out _)!;

        using ConnectionGate.Entry third = gate.TryEnter(null, () => put.Add("third"), out _)!;

        Assert.Equal(["first"], put);
        Assert.Equal(2, _meters.Sum("steadycast_admission_waiting_connections"));
        Assert.Equal(1, _meters.Sum("steadycast_admission_connection_refusals_total", "reason=put_out"));
    }

    [Fact]
    public void The_whole_has_a_limit_and_leaving_makes_room()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxConnections = 2 });
        ConnectionGate.Entry first = Enter(gate, "192.0.2.1")!;
        first.LetIn();
        Enter(gate, "192.0.2.2");
        Assert.Null(Enter(gate, "192.0.2.3", EntryRefusal.TooManyConnections));

        first.Dispose();
        first.Dispose();

        Assert.Equal(1, gate.Connections);
        Assert.NotNull(Enter(gate, "192.0.2.3"));
    }

    [Fact]
    public void An_address_that_comes_too_fast_must_wait()
    {
        ConnectionGate gate = Gate(new AdmissionOptions { MaxArrivalsPerSecond = 2, ArrivalBurst = 8, MaxWaitingPerAddress = 1000 });
        for (int i = 0; i < 8; i++)
            Assert.NotNull(Enter(gate, "192.0.2.1"));
        Assert.Null(Enter(gate, "192.0.2.1", EntryRefusal.TooFast));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.NotNull(Enter(gate, "192.0.2.1"));
        Assert.NotNull(Enter(gate, "192.0.2.1"));
        Assert.Null(Enter(gate, "192.0.2.1", EntryRefusal.TooFast));
    }

    public void Dispose() => _meters.Dispose();

    private ConnectionGate Gate(AdmissionOptions options) => new(options, new AdmissionMetrics(_meters), _time);

    private static ConnectionGate.Entry? Enter(
        ConnectionGate gate, string address, EntryRefusal expected = EntryRefusal.None)
    {
        ConnectionGate.Entry? entry =
            gate.TryEnter(new IPEndPoint(IPAddress.Parse(address), 5000), static () => { }, out EntryRefusal refusal);
        Assert.Equal(expected, refusal);
        return entry;
    }
}
