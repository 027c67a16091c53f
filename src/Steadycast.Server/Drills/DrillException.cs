namespace Steadycast.Server.Drills;

/// <summary>A drill cannot be done; the message is one line for the operator, with the next step.</summary>
internal sealed class DrillException(string message, Exception? inner = null) : Exception(message, inner);
