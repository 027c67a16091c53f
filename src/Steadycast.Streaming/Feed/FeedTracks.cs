namespace Steadycast.Streaming.Feed;

/// <summary>The feed's track numbers.</summary>
internal static class FeedTracks
{
    public const byte Video = 1;

    /// <summary>The sound that goes with the pictures: a publisher's first audio track, Enhanced RTMP's 0.</summary>
    public const byte Audio = 2;

    /// <summary>Of the audio tracks beside the first one, Enhanced RTMP's track 6.</summary>
    public const byte LastExtra = FeedCodec.MaxTracks;

    /// <summary>Whether it is an audio track beside the first one.</summary>
    public static bool IsExtra(byte trackId) => trackId > Audio;

    /// <summary>The number of an audio track as publishers and playlists count: from 0 on.</summary>
    public static int AudioNumber(byte trackId) => trackId - Audio;
}
