using System.Net;
using System.Net.Sockets;
using Steadycast.Streaming.Admission;

namespace Steadycast.Server.Tests.Admission;

public sealed class AddressGuardTests
{
    private static readonly AddressGuard Strict = new(allowPrivate: false, NoLookup);
    private static readonly AddressGuard Private = new(allowPrivate: true, NoLookup);

    public static TheoryData<string> PrivateAddresses =>
    [
        "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "172.16.0.1",
        "172.31.255.255", "192.168.0.1", "192.168.255.255", "::1", "fc00::1", "fdff:ffff::1",
        // The same in other spellings: mapped, compatible, 6to4, NAT64, ISATAP.
        "::ffff:10.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "2002:7f00:0001::", "2002:c0a8:0101::1", "64:ff9b::10.0.0.1",
        "64:ff9b::7f00:1", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:192.168.1.1",
    ];

    public static TheoryData<string> ClosedAddresses =>
    [
        "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "100.100.100.200", "192.0.0.8", "192.0.2.1",
        "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255",
        "240.0.0.1", "255.255.255.255", "::", "fe80::1", "febf::1", "fec0::1", "ff02::1", "100::1", "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1", "5f00::1", "fd00:ec2::254", "64:ff9b:1::a00:1",
        "::ffff:169.254.169.254", "2002:a9fe:a9fe::", "64:ff9b::169.254.169.254", "::169.254.169.254",
        "2606:4700::5efe:169.254.169.254", "::ffff:100.100.100.200",
    ];

    public static TheoryData<string> OpenAddresses =>
    [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2002:0101:0101::1", "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8", "2606:4700::5eff:10.0.0.1",
    ];

    /// <summary>Names for addresses that some read in another way than others do.</summary>
    public static TheoryData<string> OddSpellings =>
        ["0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "127.1", "127.0.1", "8.8.2056", "010.8.8.8", "1.1"];

    [Theory]
    [MemberData(nameof(PrivateAddresses))]
    public async Task A_private_address_is_open_only_where_it_is_allowed(string address)
    {
        await Assert.ThrowsAsync<AddressRefusedException>(() => Strict.FindAsync(address, CancellationToken.None));

        Assert.Equal([IPAddress.Parse(address)], await Private.FindAsync(address, CancellationToken.None));
    }

    [Theory]
    [MemberData(nameof(ClosedAddresses))]
    public async Task A_closed_address_is_never_dialled(string address)
    {
        await Assert.ThrowsAsync<AddressRefusedException>(() => Strict.FindAsync(address, CancellationToken.None));
        await Assert.ThrowsAsync<AddressRefusedException>(() => Private.FindAsync(address, CancellationToken.None));
    }

    [Theory]
    [MemberData(nameof(OpenAddresses))]
    public async Task Any_other_address_may_be_dialled(string address) =>
        Assert.Equal([IPAddress.Parse(address)], await Strict.FindAsync(address, CancellationToken.None));

    [Theory]
    [MemberData(nameof(OddSpellings))]
    public async Task An_address_in_an_odd_spelling_is_refused(string host)
    {
        var refused = await Assert.ThrowsAsync<AddressRefusedException>(
            () => Private.FindAsync(host, CancellationToken.None));

        Assert.Contains("four decimal numbers", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_closed_address_closes_the_name()
    {
        var guard = new AddressGuard(
            allowPrivate: false,
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("1.1.1.1"), IPAddress.Parse("::ffff:10.0.0.1")]));

        var refused = await Assert.ThrowsAsync<AddressRefusedException>(
            () => guard.FindAsync("upstream.example", CancellationToken.None));

        Assert.Equal("10.0.0.1 is a private network", refused.Reason);
    }

    [Fact]
    public async Task What_is_dialled_is_what_was_judged()
    {
        var answers = new Queue<IPAddress>([IPAddress.Parse("1.1.1.1"), IPAddress.Loopback]);
        var guard = new AddressGuard(
            allowPrivate: false, (_, _) => Task.FromResult<IPAddress[]>([answers.Dequeue()]));

        Assert.Equal([IPAddress.Parse("1.1.1.1")], await guard.FindAsync("rebinds.example", CancellationToken.None));
        Assert.Single(answers);
        await Assert.ThrowsAsync<AddressRefusedException>(
            () => guard.FindAsync("rebinds.example", CancellationToken.None));
    }

    [Fact]
    public async Task A_name_without_address_is_refused_with_the_reason()
    {
        var none = new AddressGuard(allowPrivate: true, (_, _) => Task.FromResult<IPAddress[]>([]));
        var fails = new AddressGuard(
            allowPrivate: true, (_, _) => throw new SocketException((int)SocketError.HostNotFound));

        var empty = await Assert.ThrowsAsync<AddressRefusedException>(() => none.FindAsync("x", CancellationToken.None));
        var failed = await Assert.ThrowsAsync<AddressRefusedException>(
            () => fails.FindAsync("x", CancellationToken.None));

        Assert.Equal("'x' cannot be dialled: it has no address", empty.Message);
        Assert.Equal("'x' cannot be dialled: its address cannot be found (HostNotFound)", failed.Message);
    }

    private static Task<IPAddress[]> NoLookup(string host, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"{host} was looked up");
}
