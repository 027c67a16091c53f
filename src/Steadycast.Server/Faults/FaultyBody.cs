namespace Steadycast.Server.Faults;

/// <summary>A response's body with one bit wrong, or that ends in the middle of what was announced.</summary>
internal sealed class FaultyBody(HttpContext context, FaultKind kind) : Stream
{
    private readonly Stream _inner = context.Response.Body;
    private long _written;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    // What .NET asks of a stream that can only be written, and only asynchronously.
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var middle = (context.Response.ContentLength ?? buffer.Length) / 2;
        var at = (int)Math.Clamp(middle - _written, -1, int.MaxValue);
        _written += buffer.Length;
        if (at < 0 || at >= buffer.Length)
        {
            await _inner.WriteAsync(buffer, cancellationToken);
            return;
        }

        if (kind == FaultKind.Truncate)
        {
            await _inner.WriteAsync(buffer[..at], cancellationToken);
            await _inner.FlushAsync(cancellationToken);
            context.Abort();
            context.RequestAborted.ThrowIfCancellationRequested();
            return;
        }

        // A copy: the bytes are those of a cache that other answers share.
        var spoiled = buffer.ToArray();
        spoiled[at] ^= 0x10;
        await _inner.WriteAsync(spoiled, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
