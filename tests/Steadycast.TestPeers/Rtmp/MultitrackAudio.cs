using System.Text;

namespace Steadycast.TestPeers.Rtmp;

/// <summary>One track's part of an audio message.</summary>
/// <param name="Track">Enhanced RTMP's track id.</param>
/// <param name="FourCc"><c>mp4a</c>, <c>Opus</c>.</param>
/// <param name="Body">A configuration record, or a coded frame.</param>
public sealed record TrackBody(byte Track, string FourCc, byte[] Body);

/// <summary>
/// Audio messages with several tracks, put together by hand from the text of Enhanced RTMP v2 ("ExAudioTagHeader"). It
/// shares no code with the reader under test.
/// </summary>
public static class MultitrackAudio
{
    /// <summary>SoundFormat 9 and AudioPacketType.Multitrack.</summary>
    private const byte First = 0x95;

    /// <summary>A message of its own for each track, as OBS sends them.</summary>
    public static byte[] OneTrack(bool isConfiguration, TrackBody track) =>
        [First, Second(0, isConfiguration), .. Encoding.ASCII.GetBytes(track.FourCc), track.Track, .. track.Body];

    /// <summary>Tracks of one codec in one message.</summary>
    public static byte[] ManyTracks(bool isConfiguration, params ReadOnlySpan<TrackBody> tracks)
    {
        List<byte> message = [First, Second(1, isConfiguration), .. Encoding.ASCII.GetBytes(tracks[0].FourCc)];
        foreach (var track in tracks)
            message.AddRange([track.Track, .. Size(track.Body.Length), .. track.Body]);
        return [.. message];
    }

    /// <summary>Tracks of any codecs in one message.</summary>
    public static byte[] ManyCodecs(bool isConfiguration, params ReadOnlySpan<TrackBody> tracks)
    {
        List<byte> message = [First, Second(2, isConfiguration)];
        foreach (var track in tracks)
        {
            message.AddRange(
                [.. Encoding.ASCII.GetBytes(track.FourCc), track.Track, .. Size(track.Body.Length), .. track.Body]);
        }

        return [.. message];
    }

    /// <summary>AvMultitrackType, and the packet type that is within: SequenceStart 0, CodedFrames 1.</summary>
    private static byte Second(int kind, bool isConfiguration) => (byte)(kind << 4 | (isConfiguration ? 0 : 1));

    private static byte[] Size(int length) => [(byte)(length >> 16), (byte)(length >> 8), (byte)length];
}
