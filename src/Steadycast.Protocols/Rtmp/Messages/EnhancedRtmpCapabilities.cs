using System.Collections.Immutable;
using Steadycast.Protocols.Amf;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>The flags of <c>capsEx</c> (Enhanced RTMP v2, "Enhancing NetConnection connect Command").</summary>
[Flags]
public enum CapsEx
{
    None = 0,
    Reconnect = 1,
    Multitrack = 2,
    ModEx = 4,
    TimestampNanoOffset = 8,
}

/// <summary>
/// What one side says that it can do of Enhanced RTMP: v1's list of codecs, v2's maps from codec to what is done with
/// it (1 decode, 2 encode, 4 forward; <c>*</c> is any codec) and v2's flags.
/// </summary>
public sealed record EnhancedRtmpCapabilities(
    ImmutableArray<string> FourCcList,
    ImmutableArray<Amf0Property> VideoFourCcInfoMap,
    ImmutableArray<Amf0Property> AudioFourCcInfoMap,
    CapsEx CapsEx)
{
    private const double CanForward = 4;

    private static ImmutableArray<string> VideoCodecs => ["avc1", "hvc1", "av01", "vp09", "vp08", "vvc1"];

    private static ImmutableArray<string> AudioCodecs => ["mp4a", "Opus", ".mp3", "fLaC", "ac-3", "ec-3"];

    /// <summary>Ours: everything is forwarded untouched; reconnect requests are not sent.</summary>
    public static EnhancedRtmpCapabilities Forwarder { get; } = new(
        [.. VideoCodecs, .. AudioCodecs],
        [new("*", CanForward), .. VideoCodecs.Select(c => new Amf0Property(c, CanForward))],
        [new("*", CanForward), .. AudioCodecs.Select(c => new Amf0Property(c, CanForward))],
        CapsEx.Multitrack | CapsEx.ModEx | CapsEx.TimestampNanoOffset);

    /// <summary>The members for a <c>connect</c> object or its answer.</summary>
    public ImmutableArray<Amf0Property> ToProperties() =>
    [
        new("fourCcList", Amf0Value.StrictArray([.. FourCcList.Select(Amf0Value.Of)])),
        new("videoFourCcInfoMap", Amf0Value.Object(VideoFourCcInfoMap)),
        new("audioFourCcInfoMap", Amf0Value.Object(AudioFourCcInfoMap)),
        new("capsEx", (double)CapsEx),
    ];

    /// <summary>Null when the object has none of the members.</summary>
    public static EnhancedRtmpCapabilities? Of(Amf0Value connect)
    {
        Amf0Value list = connect["fourCcList"];
        Amf0Value video = connect["videoFourCcInfoMap"];
        Amf0Value audio = connect["audioFourCcInfoMap"];
        Amf0Value flags = connect["capsEx"];
        if (list.Items.IsEmpty && video.Properties.IsEmpty && audio.Properties.IsEmpty && !flags.IsNumber)
            return null;
        return new EnhancedRtmpCapabilities(
            [.. list.Items.Where(i => i.IsString).Select(i => i.Text)],
            video.Properties,
            audio.Properties,
            flags.Number is >= 0 and <= int.MaxValue ? (CapsEx)(int)flags.Number : CapsEx.None);
    }
}
