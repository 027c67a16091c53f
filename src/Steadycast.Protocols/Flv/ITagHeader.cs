using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Flv;

/// <summary>What the headers of audio and of video messages say alike, of one track.</summary>
public interface ITagHeader<TSelf>
    where TSelf : struct, ITagHeader<TSelf>
{
    /// <summary>Null: a codec that is only carried.</summary>
    Codec? Codec { get; }

    /// <summary>Enhanced RTMP's track id; 0 for a message without tracks.</summary>
    byte Track { get; }

    bool IsSequenceHeader { get; }

    bool IsCodedFrame { get; }

    /// <summary>
    /// Reads the header of the track after this one in the same message; false when this was the last.
    /// </summary>
    bool TryReadNext(ReadOnlySpan<byte> payload, out TSelf next);
}
