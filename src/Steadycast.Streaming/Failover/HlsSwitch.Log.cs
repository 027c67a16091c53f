using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Failover;

internal sealed partial class HlsSwitch
{
    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "{StreamName}: continues the playlist {First} to {Edge} from disk")]
        public static partial void Restored(ILogger logger, string streamName, long first, long edge);

        [LoggerMessage(Level = LogLevel.Information, Message = "{StreamName}: origin {Origin} is active")]
        public static partial void Chosen(ILogger logger, string streamName, string origin);

        [LoggerMessage(Level = LogLevel.Information, Message = "{StreamName}: pinned origin: {Origin}")]
        public static partial void Pinned(ILogger logger, string streamName, string origin);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "{StreamName}: active origin {From} -> {Origin} ({Reason}); last error of {From}: {Error}")]
        public static partial void Switched(
            ILogger logger, string streamName, string from, string origin, string reason, string error);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "{StreamName}: origin {Origin} has other bytes as segment {Msn} than were published")]
        public static partial void Mismatch(ILogger logger, string streamName, string origin, long msn);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "{StreamName}: origin {Origin} offers segment {Msn} of an epoch that is over; refused")]
        public static partial void Fenced(ILogger logger, string streamName, string origin, long msn);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "{StreamName}: a playlist that breaks a promise ({Promise}) was not published, edge {Msn}")]
        public static partial void Blocked(ILogger logger, string streamName, string promise, long msn);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "{StreamName}: {Count} segments lost on every origin, gap before {Edge}")]
        public static partial void Gap(ILogger logger, string streamName, int count, long edge);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "{StreamName}: numbers jumped from {Edge} to {First}; new window")]
        public static partial void NewWindow(ILogger logger, string streamName, long edge, long first);

        [LoggerMessage(Level = LogLevel.Error, Message = "{StreamName}: asking {Origin} failed, trying again")]
        public static partial void ObserveFailed(ILogger logger, string streamName, string origin, Exception exception);

        [LoggerMessage(Level = LogLevel.Error, Message = "{StreamName}: a step of the switch failed")]
        public static partial void StepFailed(ILogger logger, string streamName, Exception exception);
    }
}
