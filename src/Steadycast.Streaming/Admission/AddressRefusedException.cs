namespace Steadycast.Streaming.Admission;

/// <summary>A host that may not be dialled, or cannot be found.</summary>
public sealed class AddressRefusedException(string host, string reason)
    : Exception($"'{host}' cannot be dialled: {reason}")
{
    /// <summary>Without the host.</summary>
    public string Reason => reason;
}
