using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;

namespace Steadycast.Compare;

/// <summary>Publishers in real time, each on its own socket, all paced by one loop.</summary>
internal sealed class Publishers : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    private readonly List<Publisher> publishers = [];
    private readonly CancellationTokenSource stop;
    private Task pacing = Task.CompletedTask;

    private Publishers(CancellationToken cancellationToken) =>
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    public long BytesSent => publishers.Sum(p => p.BytesSent);

    public static async Task<Publishers> StartAsync(int port, Scenario scenario, CancellationToken cancellationToken)
    {
        var all = new Publishers(cancellationToken);
        for (int i = 0; i < scenario.Publishers; i++)
        {
            string name = "s" + i.ToString(CultureInfo.InvariantCulture);
            Client client = await Client.StartAsync(
                port, ClientRole.Publish, name, scenario.ChunkSize, cancellationToken);
            // Spread over the group of pictures, so that keyframes do not come all at once.
            all.publishers.Add(new Publisher(client, startMs: (long)i * Picture.GroupMs / scenario.Publishers));
        }

        all.pacing = all.PaceAsync();
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await pacing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        publishers.ForEach(p => p.Dispose());
        stop.Dispose();
    }

    private async Task PaceAsync()
    {
        long began = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(Tick);
        while (await timer.WaitForNextTickAsync(stop.Token))
        {
            double now = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
            foreach (Publisher publisher in publishers)
                await publisher.SendUntilAsync(now, stop.Token);
        }
    }

    private sealed class Publisher(Client client, long startMs) : IDisposable
    {
        private readonly ArrayBufferWriter<byte> output = new(128 * 1024);
        private bool hasStarted;
        private int next;
        private long groupMs;

        public long BytesSent { get; private set; }

        /// <summary>Sends what is due, each message by itself, as an encoder does.</summary>
        public async ValueTask SendUntilAsync(double now, CancellationToken cancellationToken)
        {
            if (!hasStarted)
                foreach (MediaMessage header in Picture.Headers)
                    client.Session.WriteMedia(output, header);
            hasStarted = true;
            while (startMs + groupMs + Picture.Group[next].Timestamp <= now)
            {
                MediaMessage message = Picture.Group[next];
                client.Session.WriteMedia(output, message with { Timestamp = (uint)(groupMs + message.Timestamp) });
                BytesSent += output.WrittenCount;
                for (ReadOnlyMemory<byte> rest = output.WrittenMemory; !rest.IsEmpty;)
                    rest = rest[await client.Socket.SendAsync(rest, SocketFlags.None, cancellationToken)..];
                output.ResetWrittenCount();
                next = (next + 1) % Picture.Group.Count;
                groupMs += next == 0 ? Picture.GroupMs : 0;
            }
        }

        public void Dispose() => client.Dispose();
    }
}
