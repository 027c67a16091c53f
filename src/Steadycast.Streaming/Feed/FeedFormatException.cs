namespace Steadycast.Streaming.Feed;

/// <summary>The bytes are not a feed: wrong preamble, impossible length, a field outside its range.</summary>
public sealed class FeedFormatException(string message) : Exception(message);
