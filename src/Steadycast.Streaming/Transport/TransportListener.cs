using System.Net;

namespace Steadycast.Streaming.Transport;

/// <summary>A bound address whose connections are being served.</summary>
public sealed class TransportListener
{
    internal TransportListener(EndPoint localEndPoint, bool isEncrypted)
    {
        LocalEndPoint = localEndPoint;
        IsEncrypted = isEncrypted;
    }

    /// <summary>With the port that the system chose, if it was asked to.</summary>
    public EndPoint LocalEndPoint { get; }

    public bool IsEncrypted { get; }
}
