namespace Steadycast.Streaming.Hub;

/// <summary>What came of a wish to publish.</summary>
public enum PublishOutcome
{
    /// <summary>The stream is the publisher's until its publication is disposed or ended.</summary>
    Accepted,

    /// <summary>Another publisher has it: NetStream.Publish.BadName.</summary>
    Busy,

    /// <summary>The hub holds as many streams as it may, or is stopping.</summary>
    Full,
}

/// <summary>Who publishes, for logs and for the API.</summary>
/// <param name="ConnectionId">As in the log scope of its connection.</param>
/// <param name="RemoteEndPoint">Address and port; null for a publisher inside the process.</param>
/// <param name="Yields">
/// Fills in while nobody else publishes, as the lab's picture does: it takes a stream from nobody and leaves it to
/// anybody, whatever the conflict policy says.
/// </param>
/// <param name="Role">Which place it asks for.</param>
public sealed record PublisherInfo(
    string ConnectionId,
    string? RemoteEndPoint = null,
    bool Yields = false,
    PublisherRole Role = PublisherRole.Main);
