using Steadycast.Streaming.Admission;

namespace Steadycast.Server.Tests.Admission;

public sealed class PublishGateTests
{
    private static readonly PublishGate Gate = new(
        [new("live/show", "one"), new("live/show", "two"), new("live/*", "any"), new("open/*", null)]);

    [Theory]
    [InlineData("live/show", "one", PublishVerdict.Allowed)]
    [InlineData("live/show", "two", PublishVerdict.Allowed)]
    [InlineData("live/show", "any", PublishVerdict.Allowed)]
    [InlineData("live/other", "any", PublishVerdict.Allowed)]
    [InlineData("open/x", null, PublishVerdict.Allowed)]
    [InlineData("open/x", "whatever", PublishVerdict.Allowed)]
    [InlineData("live/other", "one", PublishVerdict.WrongKey)]
    [InlineData("live/show", "One", PublishVerdict.WrongKey)]
    [InlineData("live/show", "", PublishVerdict.WrongKey)]
    [InlineData("live/show", null, PublishVerdict.NoKey)]
    [InlineData("LIVE/show", "one", PublishVerdict.UnknownStream)]
    [InlineData("live", "one", PublishVerdict.UnknownStream)]
    [InlineData("other/show", null, PublishVerdict.UnknownStream)]
    public void Rules_are_judged_together(string stream, string? key, PublishVerdict verdict) =>
        Assert.Equal(verdict, Gate.Judge(stream, [key], out _));

    [Fact]
    public void Any_of_the_keys_given_may_be_the_right_one() =>
        Assert.Equal(PublishVerdict.Allowed, Gate.Judge("live/show", ["wrong", "two"], out _));

    [Fact]
    public void Without_rules_anyone_may_publish_anything()
    {
        var open = new PublishGate([]);

        Assert.Equal(PublishVerdict.Allowed, open.Judge("a/b", [null], out _));
        Assert.True(open.Knows("a/b"));
        Assert.False(Gate.Knows("a/b"));
        Assert.True(Gate.Knows("live/any"));
    }

    [Theory]
    [InlineData("live/show", "main", false)]
    [InlineData("live/show", "spare", true)]
    [InlineData("live/show", null, false)]
    [InlineData("spare/x", null, true)]
    [InlineData("spare/x", "main", false)]
    public void A_key_may_be_for_standbys_and_counts_before_an_open_rule(string stream, string? key, bool standby)
    {
        var gate = new PublishGate(
        [
            new("live/*", null), new("live/show", "spare", Standby: true), new("live/show", "main"),
            new("spare/*", null, Standby: true), new("spare/*", "main"),
        ]);

        Assert.Equal(PublishVerdict.Allowed, gate.Judge(stream, [null, key], out bool asStandby));

        Assert.Equal(standby, asStandby);
    }

    [Fact]
    public void Neither_a_rule_nor_a_fingerprint_shows_the_key()
    {
        Assert.DoesNotContain("s3cret", new PublishRule("a", "s3cret").ToString(), StringComparison.Ordinal);
        Assert.Matches("^sha256:[0-9a-f]{8}$", PublishGate.Fingerprint("s3cret"));
    }
}
