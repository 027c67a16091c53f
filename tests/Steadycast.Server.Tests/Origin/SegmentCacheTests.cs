using Steadycast.Streaming.Origin;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Origin;

public sealed class SegmentCacheTests
{
    private readonly ManualTime time = new();

    [Fact]
    public void Above_its_bound_the_oldest_goes_first()
    {
        var cache = new SegmentCache(250, time);
        for (int i = 0; i < 4; i++)
            cache.Add(Key(i), Response(100), keep: null);

        Assert.Equal(200, cache.Bytes);
        Assert.Equal([false, false, true, true], Enumerable.Range(0, 4).Select(i => cache.Find(Key(i)) is not null));
    }

    [Fact]
    public void One_object_larger_than_the_bound_is_kept_alone()
    {
        var cache = new SegmentCache(250, time);
        cache.Add(Key(0), Response(100), keep: null);
        cache.Add(Key(1), Response(1000), keep: null);

        Assert.Null(cache.Find(Key(0)));
        Assert.NotNull(cache.Find(Key(1)));
    }

    [Fact]
    public void An_entry_goes_when_it_was_told_to_and_not_before()
    {
        var cache = new SegmentCache(1000, time);
        cache.Add(Key(0), Response(10), keep: null);
        cache.Add(Key(1), Response(10), TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromHours(1));
        cache.Add(Key(2), Response(10), keep: null);
        Assert.Null(cache.Find(Key(1)));

        cache.Expire(Key(0), TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(6));
        cache.Add(Key(3), Response(10), keep: null);

        Assert.Null(cache.Find(Key(0)));
        Assert.Equal(20, cache.Bytes);
    }

    [Fact]
    public async Task Many_who_ask_at_once_load_once_and_a_failure_is_not_remembered()
    {
        var cache = new SegmentCache(1000, time);
        var gate = new TaskCompletionSource<SegmentResponse?>();
        int loads = 0;
        Task<SegmentResponse?> Load(ObjectKey key)
        {
            Interlocked.Increment(ref loads);
            return gate.Task;
        }

        Task<SegmentResponse?> Ask() => cache.GetOrLoadAsync(Key(0), Load, CancellationToken.None).AsTask();
        Task<SegmentResponse?>[] asking = [.. Enumerable.Range(0, 50).Select(_ => Ask())];
        using var impatient = new CancellationTokenSource();
        Task<SegmentResponse?> gone = cache.GetOrLoadAsync(Key(0), Load, impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        gate.SetResult(null);

        Assert.All(await Task.WhenAll(asking), Assert.Null);
        Assert.Equal(1, loads);
        gate = new TaskCompletionSource<SegmentResponse?>();
        gate.SetResult(Response(10));
        Assert.NotNull(await Ask());
        Assert.Equal(2, loads);
    }

    private static ObjectKey Key(int number) => new("live", $"{number}.m4s");

    private static SegmentResponse Response(int length) => new("1.m4s", new byte[length], "hash");
}
