namespace Steadycast.Streaming.Hub;

/// <summary>Which of a stream's two places a publisher takes.</summary>
public enum PublisherRole
{
    /// <summary>On air whenever it can be.</summary>
    Main,

    /// <summary>Received and kept ready; on air while there is no main publisher that brings pictures.</summary>
    Standby,
}

/// <summary>Why the publisher on air was replaced by the stream's other one.</summary>
public enum SwitchReason
{
    /// <summary>It ended its stream, or its connection ended.</summary>
    Left,

    /// <summary>It is connected and sends no message.</summary>
    Silent,

    /// <summary>It sends messages, but no new picture (or sound, where it sends no video).</summary>
    Frozen,

    /// <summary>The main publisher has been healthy for long enough and has its place again.</summary>
    Returned,
}

/// <summary>One change of who is on air.</summary>
/// <param name="To">Who went on air.</param>
/// <param name="Reason">What was wrong with the one before, or that the main one came back.</param>
/// <param name="At">When.</param>
public sealed record PublisherSwitch(PublisherInfo To, SwitchReason Reason, DateTimeOffset At);

/// <summary>One publisher of a stream, as health shows it.</summary>
/// <param name="IsReady">On air, or has a keyframe and brings pictures: could go on air now.</param>
/// <param name="StillFor">How long it has brought nothing new.</param>
public sealed record PublisherState(PublisherInfo Publisher, bool IsOnAir, bool IsReady, TimeSpan StillFor);
