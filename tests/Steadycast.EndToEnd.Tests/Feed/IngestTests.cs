using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Feed;

namespace Steadycast.EndToEnd.Tests.Feed;

public sealed class IngestTests : IDisposable
{
    private const string Picture = "-re -f lavfi -i testsrc2=size=320x180:rate=30 -f lavfi -i sine=sample_rate=44100";
    private const string Coding = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -c:a aac -b:a 64k";

    private readonly string _state = Directory.CreateTempSubdirectory("steadycast-ingest-").FullName;
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken);

    [Fact]
    public async Task Numbers_continue_when_publisher_and_ingest_are_killed_and_return()
    {
        var cancel = TestContext.Current.CancellationToken;
        var first = await IngestBox.StartAsync(_state, cancel);
        using var client = new FeedClient(
            first.Feed, new FeedClientOptions(), TimeProvider.System, NullLoggerFactory.Instance);
        var segments = Follow(client, "mystream");
        var read = new List<StampedSegment>();

        using (var publisher = Publish(first.Rtmp("mystream"), "-g 60"))
        {
            await ReadAsync(segments, read, 4);
            var described = first.Describe("mystream");
            Assert.Equal("live", described["state"]);
            Assert.EndsWith(",mp4a.40.2", (string?)described["codecs"]);
            Assert.InRange((double)described["frames_per_second"]!, 29, 31);
            Assert.Equal(2.0, (double)described["keyframe_seconds"]!, 0.05);
            publisher.Kill();
        }

        // Killed in the middle of a segment: what arrived is either published as a short one, or taken back.
        await Until(() => (string?)first.Describe("mystream")["state"] == "idle");
        using (Publish(first.Rtmp("mystream"), "-g 60"))
            await ReadAsync(segments, read, read.Count + 3);

        await first.DisposeAsync();
        await using var second = await IngestBox.StartAsync(_state, cancel, after: first);
        using (Publish(second.Rtmp("mystream"), "-g 60"))
            await ReadAsync(segments, read, read.Count + 4);

        Check(read);
        Assert.Equal(2, read.Count(segment => segment.Begin.Discontinuity));
        Assert.Equal(3, read.Select(segment => segment.Begin.Epoch.EpochId).Distinct().Count());
        Assert.Equal(2, read.Select(segment => segment.Begin.Epoch.IngestId).Distinct().Count());
        Assert.Equal(0, second.Count("steadycast_feed_forced_cuts_total"));
    }

    [Fact]
    public async Task Numbers_continue_when_the_process_of_the_ingest_is_killed_in_the_middle_of_a_segment()
    {
        var (rtmp, http) = (Ports.Free(), Ports.Free());
        var address = new Uri($"http://127.0.0.1:{http}");
        using var client = new FeedClient(
            address, new FeedClientOptions(), TimeProvider.System, NullLoggerFactory.Instance);
        var segments = Follow(client, "mystream");
        var read = new List<StampedSegment>();
        const int Kills = 3;
        for (var life = 0; life <= Kills; life++)
        {
            using var ingest = Serve(rtmp, http);
            await UntilListening(rtmp);
            using var publisher = Publish($"rtmp://127.0.0.1:{rtmp}/mystream", "-g 60");
            await ReadAsync(segments, read, read.Count + 3);
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(2000)), TimeProvider.System, _end.Token);
            ingest.Kill();
        }

        Check(read);
        Assert.Equal(Kills, read.Count(segment => segment.Begin.Discontinuity));
        Assert.Equal(Kills + 1, read.Select(segment => segment.Begin.Epoch.EpochId).Distinct().Count());
    }

    [Theory]
    [InlineData("h264 with b-frames", Picture, "-c:v libx264 -preset veryfast -bf 2 -g 60 -c:a aac", "H264,Aac")]
    [InlineData("video only", "-re -f lavfi -i testsrc2=size=320x180:rate=25", "-c:v libx264 -g 50 -bf 0", "H264")]
    [InlineData("audio only", "-re -f lavfi -i sine=sample_rate=48000", "-c:a aac", "Aac")]
    public async Task What_ffmpeg_sends_becomes_a_feed(string what, string input, string coding, string codecs)
    {
        await using var ingest = await IngestBox.StartAsync(_state, TestContext.Current.CancellationToken);
        using var client = new FeedClient(
            ingest.Feed, new FeedClientOptions(), TimeProvider.System, NullLoggerFactory.Instance);
        var segments = Follow(client, "live/show");
        var read = new List<StampedSegment>();
        var started = Stopwatch.StartNew();
        using (Start($"{input} {coding} -f flv {ingest.Rtmp("live/show")}"))
        {
            await ReadAsync(segments, read, 1);
            TestContext.Current.SendDiagnosticMessage("{0}: first segment after {1}", what, started.Elapsed);
            await ReadAsync(segments, read, 4);
        }

        Check(read);
        Assert.Equal(codecs, string.Join(',', read[0].Begin.Tracks.Select(track => track.Codec)));
        Assert.Equal(0, ingest.Count("steadycast_feed_audio_resnaps_total"));
        Assert.Equal(0, ingest.Count("steadycast_feed_repaired_timestamps_total"));
        Assert.DoesNotContain(read, segment => segment.Begin.Discontinuity);
        Assert.All(read, segment => Assert.InRange(segment.End.Duration / 90_000.0, 1.9, 2.1));
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        Directory.Delete(_state, recursive: true);
    }

    private static void Check(List<StampedSegment> read)
    {
        for (var i = 1; i < read.Count; i++)
        {
            var (before, after) = (read[i - 1], read[i]);
            Assert.Equal(before.Begin.Msn + 1, after.Begin.Msn);
            Assert.True(after.Begin.Discontinuity || after.Begin.Time == before.Begin.Time + before.End.Duration);
            Assert.True(after.Begin.Time >= before.Begin.Time + before.End.Duration);
            Assert.Equal(before.Begin.Epoch.AnchorUtcMs, after.Begin.Epoch.AnchorUtcMs);
        }

        Assert.All(read, segment => Assert.True(segment.Begin.Independent));
        foreach (var track in read.SelectMany(segment => segment.AccessUnits).GroupBy(unit => unit.TrackId))
            Assert.All(track.Zip(track.Skip(1)), pair => Assert.True(pair.Second.Dts > pair.First.Dts));
    }

    private ChannelReader<StampedSegment> Follow(FeedClient client, string stream)
    {
        var segments = Channel.CreateUnbounded<StampedSegment>();
        _ = Task.Run(async () =>
        {
            using var assembler = new SegmentAssembler();
            try
            {
                await foreach (var record in client.Follow(stream).ReadAsync(0, _end.Token))
                {
                    if (assembler.Add(record, out var segment) == AssemblyStep.Completed)
                        await segments.Writer.WriteAsync(segment!, _end.Token);
                }
            }
            catch (Exception e)
            {
                segments.Writer.Complete(e);
            }
        });
        return segments.Reader;
    }

    private static async Task ReadAsync(ChannelReader<StampedSegment> segments, List<StampedSegment> read, int count)
    {
        while (read.Count < count)
            read.Add(await segments.ReadAsync(TestContext.Current.CancellationToken));
    }

    private static async Task Until(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    private static async Task UntilListening(int port)
    {
        var isListening = false;
        while (!isListening)
        {
            using var socket = new TcpClient();
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
                isListening = true;
            }
            catch (SocketException)
            {
                await Task.Delay(
                    TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
            }
        }
    }

    private RunningProgram Serve(int rtmp, int http) => new("dotnet",
        $"{Path.Combine(AppContext.BaseDirectory, "steadycast.dll")} serve --set ingest.listen_addr=127.0.0.1:{rtmp} "
        + $"--set ingest.http_addr=127.0.0.1:{http} --set ingest.state_dir={_state}");

    private static RunningProgram Publish(string url, string gop) => Start($"{Picture} {Coding} {gop} -f flv {url}");

    private static RunningProgram Start(string arguments) =>
        new("ffmpeg", $"-hide_banner -loglevel error -nostdin {arguments}");
}
