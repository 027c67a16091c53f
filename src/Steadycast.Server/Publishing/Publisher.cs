using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Server.Publishing;

/// <summary>Keeps a reel on air: connects, sends in real time, comes back when the server went.</summary>
/// <param name="connect">Dials and returns when the server has said yes.</param>
/// <param name="yields">Whether a name that is taken is waited for, instead of given up.</param>
/// <param name="say">Told what happens, one sentence each.</param>
internal sealed class Publisher(
    ClipReel reel, Func<CancellationToken, Task<RtmpPublisher>> connect, bool yields, TimeProvider time,
    Action<string> say)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>How often a taken name is asked for again: a viewer's buffer bridges it.</summary>
    private static readonly TimeSpan NameWait = TimeSpan.FromSeconds(1);

    /// <summary>Later than this the process was frozen or the server took nothing: go on with what is live.</summary>
    private static readonly TimeSpan TooLate = TimeSpan.FromSeconds(2);

    private readonly long _begun = time.GetTimestamp();
    private long _shiftMs;
    private string? _lastSaid;

    /// <summary>Returns when the reel has ended or <paramref name="stop"/> was asked for.</summary>
    /// <exception cref="RtmpRefusedException">The server says no, and waiting would not change that.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var messages = reel.Play().GetEnumerator();
        var wait = FirstWait;
        try
        {
            // The headers of a reel are at its beginning: nothing is sent before a connection needs them.
            var more = SkipToJoin(messages);
            while (more)
            {
                try
                {
                    await using var publisher = await connect(stop);
                    Say("on air");
                    wait = FirstWait;
                    await SendAsync(messages, publisher, stop);
                    return;
                }
                catch (RtmpRefusedException e) when (yields || !IsFinal(e))
                {
                    Say($"not on air: {e.Message}");
                    await Task.Delay(NameWait, time, stop);
                }
                catch (Exception e) when (e is TransportException or RtmpProtocolException)
                {
                    Say($"not on air: {e.Message}");
                    await Task.Delay(wait, time, stop);
                    wait = wait + wait < LongestWait ? wait + wait : LongestWait;
                }

                more = messages.Current.IsJoin || SkipToJoin(messages);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked for.
        }
    }

    /// <summary>From a join point to the end of the reel, or of the connection.</summary>
    private async Task SendAsync(IEnumerator<ReelMessage> messages, RtmpPublisher publisher, CancellationToken stop)
    {
        await JoinAsync(messages.Current, publisher, stop);
        do
        {
            var late = Now - (messages.Current.TimeMs + _shiftMs);
            if (late > TooLate.TotalMilliseconds)
            {
                if (!messages.Current.IsJoin && !SkipToJoin(messages))
                    return;
                await JoinAsync(messages.Current, publisher, stop);
            }
            else if (late < 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(-late), time, stop);
            }

            var message = messages.Current;
            await publisher.SendAsync(
                new MediaMessage(message.Type, unchecked((uint)(message.TimeMs + _shiftMs)), message.Payload), stop);
        }
        while (messages.MoveNext());
    }

    /// <summary>Puts the reel's position at the present of the wall clock, and sends the headers there.</summary>
    private async Task JoinAsync(ReelMessage at, RtmpPublisher publisher, CancellationToken stop)
    {
        _shiftMs = Now - at.TimeMs;
        foreach (var (type, payload) in reel.Headers)
            await publisher.SendAsync(new MediaMessage(type, unchecked((uint)Now), payload), stop);
    }

    private static bool SkipToJoin(IEnumerator<ReelMessage> messages)
    {
        while (messages.MoveNext())
        {
            if (messages.Current.IsJoin)
                return true;
        }

        return false;
    }

    private long Now => (long)time.GetElapsedTime(_begun).TotalMilliseconds;

    /// <summary>A key is wrong, a name is taken: asking again would not help. A server that stops comes back.</summary>
    private static bool IsFinal(RtmpRefusedException e) =>
        e.Code is "NetStream.Publish.BadName" or "NetStream.Publish.Denied" or "NetConnection.Connect.Rejected";

    private void Say(string text)
    {
        // A server that is away for an hour is one line, not three thousand.
        if (text == _lastSaid)
            return;
        _lastSaid = text;
        say(text);
    }
}
