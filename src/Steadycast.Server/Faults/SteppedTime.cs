namespace Steadycast.Server.Faults;

/// <summary>The system's time with a wall clock that can be stepped, as NTP or an operator steps one.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private long _ticks;

    public void Set(TimeSpan ahead) => Volatile.Write(ref _ticks, ahead.Ticks);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _ticks));
}
