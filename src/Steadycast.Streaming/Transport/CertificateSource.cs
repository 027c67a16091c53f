using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Transport;

/// <summary>A server certificate that follows its files; the last good one is kept while they are broken.</summary>
/// <remarks>
/// Asked at each handshake; looks at the files at most once in 5 s. A renewal replaces two files one after the other,
/// so a chain whose key does not fit yet is an error of the moment: the next look finds both.
/// </remarks>
internal sealed partial class CertificateSource
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly TlsCertificateOptions files;
    private readonly TimeProvider time;
    private readonly TransportMetrics metrics;
    private readonly ILogger log;
    private SslStreamCertificateContext current;
    private (DateTime Cert, DateTime Key) seen;
    private long lookedAt;

    /// <exception cref="IOException">The files cannot be read or do not fit each other.</exception>
    public CertificateSource(TlsCertificateOptions files, TimeProvider time, TransportMetrics metrics, ILogger log)
    {
        (this.files, this.time, this.metrics, this.log) = (files, time, metrics, log);
        seen = Look();
        lookedAt = time.GetTimestamp();
        try
        {
            current = Load();
        }
        catch (Exception e) when (e is CryptographicException or UnauthorizedAccessException or ArgumentException)
        {
            throw new IOException($"'{files.CertFile}' and '{files.KeyFile}' are no certificate with its key", e);
        }
    }

    public SslStreamCertificateContext Current
    {
        get
        {
            lock (gate)
            {
                if (time.GetElapsedTime(lookedAt) >= LookEvery)
                    Reload_NeedsLock();
                return current;
            }
        }
    }

    private void Reload_NeedsLock()
    {
        lookedAt = time.GetTimestamp();
        (DateTime, DateTime) now = Look();
        if (now == seen)
            return;
        try
        {
            current = Load();
            seen = now;
            metrics.CertificateReloaded(success: true);
            LogReloaded(log, files.CertFile, current.TargetCertificate.NotAfter);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException
            or ArgumentException)
        {
            metrics.CertificateReloaded(success: false);
            LogKept(log, files.CertFile, e);
        }
    }

    private (DateTime Cert, DateTime Key) Look() =>
        (File.GetLastWriteTimeUtc(files.CertFile), File.GetLastWriteTimeUtc(files.KeyFile));

    private SslStreamCertificateContext Load()
    {
        X509Certificate2 own = X509Certificate2.CreateFromPemFile(files.CertFile, files.KeyFile);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(files.CertFile);
        return SslStreamCertificateContext.Create(own, chain, offline: true);
    }

    [LoggerMessage(LogLevel.Information, "Loaded the certificate {CertFile} again, valid until {NotAfter:u}")]
    private static partial void LogReloaded(ILogger log, string certFile, DateTime notAfter);

    [LoggerMessage(LogLevel.Error, "The certificate {CertFile} changed and cannot be loaded; the one before is kept")]
    private static partial void LogKept(ILogger log, string certFile, Exception exception);
}
