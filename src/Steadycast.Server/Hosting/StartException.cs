namespace Steadycast.Server.Hosting;

/// <summary>The process cannot start, for a reason that the operator can mend: one line, no stack.</summary>
internal sealed class StartException(string message, Exception? inner = null) : Exception(message, inner);
