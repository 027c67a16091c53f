namespace Steadycast.Server.Evidence;

/// <summary>Evidence cannot be kept where it was asked for; the message is for the operator.</summary>
internal sealed class EvidenceException(string message, Exception? inner = null) : Exception(message, inner);
