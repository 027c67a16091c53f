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
        Assert.Equal(verdict, Gate.Judge(stream, key));

    [Fact]
    public void Any_of_the_keys_given_may_be_the_right_one() =>
        Assert.Equal(PublishVerdict.Allowed, Gate.Judge("live/show", "wrong", "two"));

    [Fact]
    public void Without_rules_anyone_may_publish_anything()
    {
        var open = new PublishGate([]);

        Assert.Equal(PublishVerdict.Allowed, open.Judge("a/b", null));
        Assert.True(open.Knows("a/b"));
        Assert.False(Gate.Knows("a/b"));
        Assert.True(Gate.Knows("live/any"));
    }

    [Fact]
    public void Neither_a_rule_nor_a_fingerprint_shows_the_key()
    {
        Assert.DoesNotContain("s3cret", new PublishRule("a", "s3cret").ToString(), StringComparison.Ordinal);
        Assert.Matches("^sha256:[0-9a-f]{8}$", PublishGate.Fingerprint("s3cret"));
    }
}
