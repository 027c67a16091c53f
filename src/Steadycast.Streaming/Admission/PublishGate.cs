using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;

namespace Steadycast.Streaming.Admission;

/// <summary>What came of asking to publish a stream.</summary>
public enum PublishVerdict
{
    Allowed,

    /// <summary>No rule names the stream.</summary>
    UnknownStream,

    /// <summary>A key is asked for and none was given.</summary>
    NoKey,

    WrongKey,
}

/// <summary>Who may publish what, by the operator's rules. No rules at all: anyone may publish anything.</summary>
/// <remarks>
/// Keys are kept and compared as SHA-256, in constant time, and every rule that names the stream is looked at: the time
/// that it takes says nothing about a key. The peer is told the same for every refusal; the verdict is for the log.
/// </remarks>
public sealed class PublishGate(IEnumerable<PublishRule> rules)
{
    private readonly Rule[] _rules =
        [.. rules.Select(r => new Rule(r.Stream, r.Key is null ? null : Hash(r.Key), r.Standby))];

    /// <param name="stream">The stream's whole name.</param>
    /// <param name="keys">What was given as <c>key</c> or <c>token</c>; any of them may be the right one.</param>
    /// <param name="asStandby">
    /// Whether the rule that let it in is for standbys; one whose key was given counts before an open one.
    /// </param>
    public PublishVerdict Judge(string stream, ReadOnlySpan<string?> keys, out bool asStandby)
    {
        asStandby = false;
        if (_rules.Length == 0)
            return PublishVerdict.Allowed;

        bool named = false;
        bool allowed = false;
        bool given = false;
        bool hadKey = false;
        foreach (Rule rule in _rules)
        {
            if (!Names(rule, stream))
                continue;
            named = true;
            if (rule.KeyHash is null && !allowed)
                (allowed, asStandby) = (true, rule.Standby);
            foreach (string? key in keys)
            {
                if (key is null)
                    continue;
                given = true;
                if (rule.KeyHash is null || !CryptographicOperations.FixedTimeEquals(rule.KeyHash, Hash(key)) || hadKey)
                    continue;
                (allowed, asStandby, hadKey) = (true, rule.Standby, true);
            }
        }

        return (named, allowed, given) switch
        {
            (_, true, _) => PublishVerdict.Allowed,
            (false, _, _) => PublishVerdict.UnknownStream,
            (_, _, false) => PublishVerdict.NoKey,
            _ => PublishVerdict.WrongKey,
        };
    }

    /// <summary>
    /// Whether the stream may exist at all: players may not conjure up names that nobody may publish.
    /// </summary>
    public bool Knows(string stream) => _rules.Length == 0 || _rules.Any(r => Names(r, stream));

    /// <summary>What may be logged of a key: the first eight digits of its SHA-256.</summary>
    public static string Fingerprint(string key) => $"sha256:{Convert.ToHexStringLower(Hash(key))[..8]}";

    private static bool Names(Rule rule, string stream) =>
        FileSystemName.MatchesSimpleExpression(rule.Pattern, stream, ignoreCase: false);

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private sealed record Rule(string Pattern, byte[]? KeyHash, bool Standby);
}
