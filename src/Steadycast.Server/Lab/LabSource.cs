namespace Steadycast.Server.Lab;

/// <summary>Where a lab's stream comes from, and what goes on when that dies.</summary>
internal enum LabSource
{
    /// <summary>One publisher, one ingest.</summary>
    Single,

    /// <summary>A second publisher waits at the same ingest, as the standby of the first.</summary>
    Standby,

    /// <summary>A second ingest follows the first, with a publisher of its own.</summary>
    TwoIngests,
}
