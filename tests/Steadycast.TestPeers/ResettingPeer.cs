using System.Net;
using System.Net.Sockets;

namespace Steadycast.TestPeers;

/// <summary>
/// Resets every connection as soon as it is made: often before the client has learnt who its peer is, which .NET's
/// HTTP client reports as a bare SocketException.
/// </summary>
public sealed class ResettingPeer : IDisposable
{
    /// <summary>As many as it takes to meet that moment dozens of times; a second's worth.</summary>
    public const int Enough = 3_000;

    private readonly TaskCompletionSource enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Thread resetting;

    public ResettingPeer()
    {
        listener.Start();
        // A thread of its own: the reset has to be quick.
        resetting = new Thread(Reset) { IsBackground = true };
        resetting.Start();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public Uri Address => new($"http://127.0.0.1:{Port}/");

    /// <summary>Done when <see cref="Enough"/> connections have been reset.</summary>
    public Task HasResetEnough => enough.Task;

    public void Dispose()
    {
        listener.Stop();
        resetting.Join();
    }

    private void Reset()
    {
        try
        {
            for (int count = 1; ; count++)
            {
                listener.AcceptSocket().Close(timeout: 0);
                if (count == Enough)
                    enough.SetResult();
            }
        }
        catch (SocketException)
        {
            // The listener has stopped.
        }
    }
}
