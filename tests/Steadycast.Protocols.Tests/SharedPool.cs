namespace Steadycast.Protocols.Tests;

/// <summary>
/// Tests that count what comes from the process's array pool: another test would take from it, and have it trimmed.
/// </summary>
[CollectionDefinition(nameof(SharedPool), DisableParallelization = true)]
public sealed class SharedPool;
