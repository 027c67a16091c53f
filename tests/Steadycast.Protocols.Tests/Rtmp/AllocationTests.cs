using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Protocols.Tests.Rtmp;

/// <summary>The promise of the data plane: no allocation for each media message in steady state.</summary>
[Collection(nameof(SharedPool))]
public sealed class AllocationTests
{
    private const int Rounds = 200;

    [Theory]
    [InlineData(128, 1_448)]
    [InlineData(128, 65_536)]
    [InlineData(4096, 16_384)]
    [InlineData(65_536, 65_536)]
    public void Media_messages_are_received_without_allocating(int chunkSize, int receiveBytes)
    {
        using var transcript = new ServerTranscript();
        var script = new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, Protocols.Amf.Amf0Value.Object(new Protocols.Amf.Amf0Property("app", "live")))
            .Command(3, 0, "createStream", 2, Protocols.Amf.Amf0Value.Null)
            .Command(8, 1, "publish", 3, Protocols.Amf.Amf0Value.Null, "show", "live")
            .SetChunkSize(chunkSize);
        transcript.Feed(script.ToArray());
        int prologue = script.Length;
        byte[] media = script
            .Message(6, RtmpMessageType.Video, 40, EncoderScripts.Picture(true, 50_000), 1)
            .Message(4, RtmpMessageType.Audio, 40, EncoderScripts.Sound(372), 1)
            .Message(6, RtmpMessageType.Video, 40, EncoderScripts.Picture(false, 16_000), 1, format: 1)
            .Message(4, RtmpMessageType.Audio, 23, EncoderScripts.Sound(372), 1, format: 2)
            .ToArray()[prologue..];

        Run(transcript, media, receiveBytes, Rounds);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int messages = Run(transcript, media, receiveBytes, Rounds);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(4 * Rounds, messages);

        // What is left are the acknowledgements, one for each 1.25 MB.
        Assert.InRange(allocated, 0, 200 * (media.Length * Rounds / 1_250_000 + 1));
    }

    [Fact]
    public void Messages_are_written_without_allocating()
    {
        byte[] payload = EncoderScripts.Picture(true, 50_000);
        byte[] destination = new byte[60_000];
        Write();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Write();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Write()
        {
            for (int i = 0; i < Rounds; i++)
                ChunkWriter.Write(destination, MediaChunkStream.Video, RtmpMessageType.Video, 1, (
                    uint)i, payload, 4096);
        }
    }

    private static int Run(ServerTranscript transcript, byte[] media, int receiveBytes, int rounds)
    {
        int messages = 0;
        for (int round = 0; round < rounds; round++)
        {
            for (int at = 0; at < media.Length; at += receiveBytes)
            {
                ReadOnlySpan<byte> input = media.AsSpan(at, Math.Min(receiveBytes, media.Length - at));
                while (transcript.Session.TryRead(ref input, transcript.Output, out ServerEvent e))
                    messages += e.Kind == ServerEventKind.Media ? 1 : 0;
            }

            transcript.Output.ResetWrittenCount();
        }

        return messages;
    }
}
