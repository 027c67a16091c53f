namespace Steadycast.Streaming.Transport;

/// <summary>A certificate in PEM files, read again when they change.</summary>
/// <param name="CertFile">The chain, the server's own certificate first.</param>
/// <param name="KeyFile">The private key, not encrypted.</param>
public sealed record TlsCertificateOptions(string CertFile, string KeyFile);
