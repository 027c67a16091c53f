using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>What the streams of one switch share.</summary>
internal sealed record SwitchParts(SegmentCache Cache, SegmentFetch Fetch, SwitchMetrics Metrics, TimeProvider Time);

/// <summary>What the loop of one stream and its follower share.</summary>
/// <param name="Journal">Null: nothing published survives a restart.</param>
/// <param name="Pins">Null: no pin does.</param>
internal sealed record StreamParts(string Stream, SwitchParts Shared, SwitchJournal? Journal, PinFile? Pins = null)
{
    /// <summary>Between being in the cache and being published; then it is held as long as it is listed.</summary>
    public static readonly TimeSpan Unpublished = TimeSpan.FromMinutes(2);

    public SwitchInbox Inbox { get; } = new(Shared.Time);

    /// <summary>Whether viewers may ask for an object by this name; the switch says.</summary>
    public Func<string, bool> IsPromised { get; set; } = _ => false;

    /// <summary>Into the cache and, if there is one, onto the disk.</summary>
    public async Task KeepAsync(ObjectKey key, SegmentResponse response)
    {
        Shared.Cache.Add(key, response, Unpublished);
        if (Journal is not null)
            await Journal.SaveAsync(response, key.Name);
    }
}
