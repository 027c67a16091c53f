using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;
using Steadycast.TestPeers;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.EndToEnd.Tests.Tracks;

/// <summary>
/// An Enhanced RTMP encoder with two audio tracks, in real time: the built-in picture with its sound, and as track 1 a
/// tone of 440 Hz, mono, at 44.1 kHz.
/// </summary>
internal sealed class MultitrackPublisher : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TestMeters _meters;
    private readonly SocketTransport _transport;
    private readonly RtmpPublisher _publisher;
    private readonly Task _sending;

    private MultitrackPublisher(
        TestMeters meters, SocketTransport transport, RtmpPublisher publisher, IReadOnlyList<MediaMessage> messages)
    {
        (_meters, _transport, _publisher) = (meters, transport, publisher);
        _sending = SendAsync(messages);
    }

    /// <param name="seconds">How long there is something to send.</param>
    public static async Task<MultitrackPublisher> StartAsync(
        string url, int seconds, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("steadycast-tracks-").FullName;
        try
        {
            var clip = Path.Combine(AppContext.BaseDirectory, "players", "test-picture.flv");
            var messages = await MakeAsync($"-stream_loop -1 -i {clip} -c copy", folder, seconds, cancellationToken);
            var tone = await MakeAsync(
                "-f lavfi -i sine=frequency=440:sample_rate=44100 -c:a aac -ac 1", folder, seconds, cancellationToken);
            messages.AddRange(tone.Where(message => message.Type == RtmpMessageType.Audio).Select(AsTrack));
            Assert.True(RtmpUrl.TryParse(url, out var address));
            var meters = new TestMeters();
            var transport = new SocketTransport(
                TimeProvider.System, new TransportMetrics(meters), NullLogger<SocketTransport>.Instance);
            var publisher = await RtmpPublisher.ConnectAsync(
                transport, address, new RtmpDialOptions(), TimeProvider.System, cancellationToken);
            return new MultitrackPublisher(meters, transport, publisher, [.. messages.OrderBy(m => m.Timestamp)]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _publisher.DisposeAsync();
        await _transport.DisposeAsync();
        _meters.Dispose();
        _stop.Dispose();
    }

    private async Task SendAsync(IReadOnlyList<MediaMessage> messages)
    {
        var started = TimeProvider.System.GetTimestamp();
        foreach (var message in messages)
        {
            var early = message.Timestamp - TimeProvider.System.GetElapsedTime(started).TotalMilliseconds;
            if (early > 0)
                await Task.Delay(TimeSpan.FromMilliseconds(early), TimeProvider.System, _stop.Token);
            await _publisher.SendAsync(message, _stop.Token);
        }
    }

    private static MediaMessage AsTrack(MediaMessage message) => message with
    {
        Payload = MultitrackAudio.OneTrack(
            message.Payload.Span[1] == 0, new TrackBody(1, "mp4a", message.Payload[2..].ToArray())),
    };

    private static async Task<List<MediaMessage>> MakeAsync(
        string arguments, string folder, int seconds, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, "made.flv");
        await ForeignProgram.RunAsync(
            "ffmpeg", $"-v error -y {arguments} -t {seconds} -f flv {file}".Split(' '), cancellationToken);
        ReadOnlyMemory<byte> rest = await File.ReadAllBytesAsync(file, cancellationToken);
        var reader = new FlvReader();
        var messages = new List<MediaMessage>();
        while (reader.TryRead(ref rest, out var message))
            messages.Add(message with { Payload = message.Payload.ToArray() });
        return messages;
    }
}
