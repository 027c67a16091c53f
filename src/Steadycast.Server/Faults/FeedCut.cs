namespace Steadycast.Server.Faults;

/// <summary>A packager's way to its ingest, which can be cut: open connections break, no new one is made.</summary>
internal sealed class FeedCut : DelegatingHandler
{
    private readonly Lock _gate = new();

    /// <summary>Never disposed: it has no timer, and the supervisor may speak while the process ends.</summary>
    private CancellationTokenSource _cut = new();

    private bool _isCut;

    public void Set(bool cut)
    {
        lock (_gate)
        {
            if (cut == _isCut)
                return;
            _isCut = cut;
            if (cut)
                _cut.Cancel();
            else
                _cut = new CancellationTokenSource();
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        CancellationToken cut;
        lock (_gate)
            cut = _cut.Token;
        if (cut.IsCancellationRequested)
            throw new HttpRequestException(HttpRequestError.ConnectionError, "The feed is cut.");
        var response = await base.SendAsync(request, cancellationToken);
        var content = new StreamContent(
            new CutStream(await response.Content.ReadAsStreamAsync(cancellationToken), cut));
        foreach (var (name, values) in response.Content.Headers)
            content.Headers.TryAddWithoutValidation(name, values);
        response.Content = content;
        return response;
    }

    /// <summary>A body that breaks off when the way is cut.</summary>
    private sealed class CutStream(Stream inner, CancellationToken cut) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, cancellationToken);
            try
            {
                return await inner.ReadAsync(buffer, either.Token);
            }
            catch (OperationCanceledException e) when (cut.IsCancellationRequested)
            {
                throw new IOException("The feed is cut.", e);
            }
        }

        public override Task<int> ReadAsync(
            byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
