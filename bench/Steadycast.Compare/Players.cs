using System.Net.Sockets;
using Steadycast.Protocols.Rtmp.Sessions;

namespace Steadycast.Compare;

/// <summary>Players of the first stream: they read until their first keyframe, then only count.</summary>
internal sealed class Players : IAsyncDisposable
{
    private const int JoinsAtOnce = 4;

    // What is received after the join is not looked at, so all share one buffer.
    private static readonly byte[] Scratch = new byte[256 * 1024];

    private readonly CancellationTokenSource stop;
    private readonly List<Task> tasks = [];
    private readonly List<double> joins = [];
    private readonly Lock gate = new();
    private long bytesReceived;

    private Players(CancellationToken cancellationToken) =>
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    public long BytesReceived => Interlocked.Read(ref bytesReceived);

    public double MedianJoinSeconds
    {
        get
        {
            lock (gate)
                return joins.Count == 0 ? double.NaN : joins.Order().ElementAt(joins.Count / 2);
        }
    }

    public static async Task<Players> StartAsync(int port, int count, CancellationToken cancellationToken)
    {
        var all = new Players(cancellationToken);
        using var turns = new SemaphoreSlim(JoinsAtOnce);
        var joined = new List<Task>();
        for (int i = 0; i < count; i++)
        {
            await turns.WaitAsync(cancellationToken);
            var join = new TaskCompletionSource();
            joined.Add(join.Task);
            all.tasks.Add(all.PlayAsync(port, join, turns));
        }

        await Task.WhenAll(joined).WaitAsync(cancellationToken);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task PlayAsync(int port, TaskCompletionSource join, SemaphoreSlim turns)
    {
        await Task.Yield();
        try
        {
            long began = TimeProvider.System.GetTimestamp();
            using Client client = await Client.StartAsync(port, ClientRole.Play, "s0", null, stop.Token);
            turns.Release();
            if (!client.HasKeyframe)
                await client.ReadUntilAsync(_ => client.HasKeyframe, stop.Token);
            lock (gate)
                joins.Add(TimeProvider.System.GetElapsedTime(began).TotalSeconds);
            join.TrySetResult();
            while (await client.Socket.ReceiveAsync(Scratch, SocketFlags.None, stop.Token) is > 0 and var received)
                Interlocked.Add(ref bytesReceived, received);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            join.TrySetException(e);
            if (!stop.IsCancellationRequested)
                await Console.Error.WriteLineAsync($"a player failed: {e.Message}");
        }
    }
}
