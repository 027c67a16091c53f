using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Feed;

/// <summary>How patient an ingest is with its peers.</summary>
/// <param name="Ask">Between two questions; also how long two peers may lead at once.</param>
/// <param name="Silence">After which a leader is taken for dead or frozen.</param>
/// <param name="AnswerAgain">
/// For an answer of a leader whose connection broke: only if it does not come, the leader is lost.
/// </param>
internal sealed record PeerPatience(TimeSpan Ask, TimeSpan Silence, TimeSpan AnswerAgain)
{
    /// <summary>Two missed signs of life, and half a second to find out that only the connection broke.</summary>
    public static readonly PeerPatience Default = new(
        TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(500));
}

/// <summary>One stream at one peer: asks whether it leads there, and follows it while it does.</summary>
internal sealed partial class PeerFeed(
    Uri address, HttpClient http, FeedLoop loop, PeerPatience patience, TimeProvider time, ILogger logger)
{
    public Uri Address => address;

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var reason = "";
        var again = false;
        while (true)
        {
            var leads = false;
            try
            {
                var from = loop.NextMsn;
                var (epoch, edge) = loop.Known;
                var path = FeedConnection.PathOf(loop.Feed.Stream, from, epoch, edge) + "&leader=1";
                await using var connection = await FeedConnection.OpenAsync(
                    http,
                    path,
                    patience.Silence,
                    again ? patience.AnswerAgain : patience.Silence,
                    time,
                    cancellationToken);
                again = false;
                reason = "it leads no more";
                if (IsSelf(connection))
                {
                    LogSelf(address);
                    loop.Lost(this, reason);
                    return;
                }

                if (Follows(connection))
                {
                    // Asked while we led ourselves: now for its segments.
                    leads = from == FeedLoop.NoSegments;
                    while (from != FeedLoop.NoSegments && await connection.ReceiveAsync(cancellationToken))
                    {
                        leads = true;
                        while (connection.TryTake(out var record))
                            loop.Take(this, record);
                    }
                }
            }
            catch (Exception e) when (FeedFollower.IsOfTheLink(e, cancellationToken))
            {
                // What broke the connection says more than what the second attempt met.
                if (!again)
                {
                    var silent = $"silent for {patience.Silence.TotalSeconds} s";
                    reason = e is OperationCanceledException ? silent : e.Message;
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // Our bug, by the house's rules: said loudly, and the peer is asked again.
                LogFault(e, loop.Feed.Stream, address);
                (leads, reason) = (false, "following it failed");
            }

            again = leads;
            if (leads)
                continue;
            loop.Lost(this, reason);
            await Task.Delay(patience.Ask, time, cancellationToken);
        }
    }

    private bool IsSelf(FeedConnection connection) =>
        connection.Header(FeedEndpoint.IngestHeader) == loop.IngestId.ToString();

    private bool Follows(FeedConnection connection) =>
        Guid.TryParse(connection.Header(FeedEndpoint.IngestHeader), out var id)
        && uint.TryParse(
            connection.Header(FeedEndpoint.EpochHeader), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
        && loop.TryFollow(this, id, epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The peer {Peer} is this ingest itself; it is asked no more")]
    private partial void LogSelf(Uri peer);

    [LoggerMessage(Level = LogLevel.Error, Message = "Following {StreamName} at the ingest {Peer} failed")]
    private partial void LogFault(Exception exception, string streamName, Uri peer);
}
