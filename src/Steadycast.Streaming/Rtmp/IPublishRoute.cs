using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Rtmp;

/// <summary>Where streams go from a door that only passes them on: asked before a publisher is answered.</summary>
public interface IPublishRoute
{
    /// <summary>
    /// Finds a way for a stream that the rules and the hub have let in; null when it has one, and then sees to it for
    /// as long as the publication lasts. Must come to an end by itself.
    /// </summary>
    ValueTask<RouteRefusal?> OpenAsync(PublishOpening opening, CancellationToken cancellationToken);
}

/// <summary>A publisher that waits for its answer.</summary>
/// <param name="Connect">What it said of itself.</param>
/// <param name="Request">What it asked for, with the queries of both parts of the address.</param>
/// <param name="Publication">The stream is its own already; nothing is sent before the answer.</param>
public sealed record PublishOpening(
    StreamName Name, ConnectRequest Connect, StreamRequest Request, Publication Publication);

/// <summary>Why a stream goes nowhere.</summary>
/// <param name="Code">What RTMP calls it: a <see cref="StatusCode"/> of publish.</param>
/// <param name="Description">For the publisher: a sentence that tells nothing of what lies behind the door.</param>
/// <param name="Outcome">For the count.</param>
public sealed record RouteRefusal(string Code, string Description, string Outcome);
