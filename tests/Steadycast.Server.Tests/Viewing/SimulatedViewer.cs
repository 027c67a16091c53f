using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Tests.Viewing;

/// <summary>Runs a viewer session against a broadcast in steps of 10 ms; every answer takes 30 ms.</summary>
internal static class SimulatedViewer
{
    public static readonly Uri Address = new("http://origin/hls/index.m3u8");
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(30);

    public static ViewerReport Watch(Broadcast broadcast, double seconds = 40) => Watch(broadcast, out _, seconds);

    public static ViewerReport Watch(Broadcast broadcast, out ViewerSession session, double seconds = 40)
    {
        session = new ViewerSession(Address, new ViewerOptions());
        (TimeSpan Asked, Fetched Answer)? playlist = null;
        (TimeSpan Asked, Wanted What, Fetched Answer)? media = null;
        var now = TimeSpan.Zero;
        for (; now < TimeSpan.FromSeconds(seconds) && !session.Finished(now); now += Step)
        {
            if (playlist is null && session.ReloadAt <= now)
                playlist = (now, broadcast.Get(Address, now));
            if (media is null && session.NextWanted(now) is { } wanted)
                media = (now, wanted, broadcast.Get(wanted.Address, now));
            if (playlist is { } p && now - p.Asked >= RoundTrip)
            {
                session.PlaylistArrived(p.Answer, p.Asked, now);
                playlist = null;
            }

            if (media is { } m && now - m.Asked >= RoundTrip)
            {
                session.MediaArrived(m.What, m.Answer, now);
                media = null;
            }
        }

        return session.Report(Address, Broadcast.Start, now);
    }
}
