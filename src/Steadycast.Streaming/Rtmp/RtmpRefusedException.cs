namespace Steadycast.Streaming.Rtmp;

/// <summary>A server said no to our publish or play, or took it away again.</summary>
/// <param name="code">As <c>NetStream.Publish.BadName</c>; empty when the server gave none.</param>
public sealed class RtmpRefusedException(string code, string description)
    : Exception(description.Length == 0 ? code : $"{code}: {description}")
{
    public string Code => code;
}
