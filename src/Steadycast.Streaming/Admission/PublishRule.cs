namespace Steadycast.Streaming.Admission;

/// <summary>One stream that may be published, and with which key.</summary>
/// <param name="Stream">The name, or a pattern with <c>*</c>: <c>live/*</c>.</param>
/// <param name="Key">The secret, as <c>?key=</c> on either part of the address; absent: no key is asked for.</param>
/// <param name="Standby">
/// Who comes with this key is the stream's standby publisher, whatever its address says; else <c>?role=standby</c> on
/// the address makes it one. A stream may have one rule of each kind, with different keys.
/// </param>
public sealed record PublishRule(string Stream, string? Key, bool Standby = false)
{
    /// <summary>Without the key: records end up in logs.</summary>
    public override string ToString() =>
        $"{Stream} ({(Key is null ? "open" : "with key")}{(Standby ? ", standby" : "")})";
}
