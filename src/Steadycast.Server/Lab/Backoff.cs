namespace Steadycast.Server.Lab;

/// <summary>
/// How long to wait before a box is started again: quick at first, doubling, quick again after a healthy life.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan most, TimeSpan healthyAfter)
{
    private TimeSpan _last;

    /// <summary>200 ms is what a viewer's buffer does not notice; a box that cannot live is tried every 5 s.</summary>
    public static Backoff OfTheLab() =>
        new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));

    public TimeSpan After(TimeSpan life)
    {
        var wait = life >= healthyAfter || _last == TimeSpan.Zero ? first : _last + _last;
        _last = wait < most ? wait : most;
        return _last;
    }
}
