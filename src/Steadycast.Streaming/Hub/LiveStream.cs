namespace Steadycast.Streaming.Hub;

/// <summary>One stream: its log, its publisher if it has one, and its subscribers.</summary>
public sealed class LiveStream
{
    internal LiveStream(StreamName name) => Name = name;

    public StreamName Name { get; }

    /// <summary>The publisher of this moment.</summary>
    public Publication? Publication => throw new NotSupportedException();

    /// <summary>How many players it has (relays, feeds and recorders not counted).</summary>
    public int PlayerCount => throw new NotSupportedException();
}
