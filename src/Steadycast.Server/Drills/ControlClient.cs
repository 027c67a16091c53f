using System.Net.Sockets;
using System.Text.Json;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Drills;

/// <summary>
/// A connection to a lab's control socket. What it broke is whole again when it ends: also by a kill of this process.
/// </summary>
internal sealed class ControlClient : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly NetworkStream _stream;
    private readonly TimeProvider _time;

    private ControlClient(Socket socket, TimeProvider time)
    {
        (_socket, _time) = (socket, time);
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream);
    }

    /// <exception cref="DrillException">The lab does not answer: it has ended, or another drill has it.</exception>
    public static async Task<ControlClient> ConnectAsync(
        string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new DrillException($"the lab does not answer on {path} ({e.Message}); is it still running?", e);
        }

        var client = new ControlClient(socket, time);
        try
        {
            // A second drill waits for the first one's connection to end: it is told instead of left waiting.
            await client.DoAsync(new ControlRequest("lift"), cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <exception cref="DrillException">It was not done.</exception>
    public async Task DoAsync(ControlRequest request, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Deadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            byte[] line =
                [.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n'];
            await _stream.WriteAsync(line, either.Token);
            var answer = await _reader.ReadLineAsync(either.Token)
                ?? throw new DrillException("the lab has ended");
            if (JsonSerializer.Deserialize(answer, ControlJson.Default.ControlAnswer) is { Error: { } error })
                throw new DrillException($"the lab refuses {request.Action}: {error}");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new DrillException("the lab does not answer within 5 s; another drill may be running");
        }
        catch (IOException e)
        {
            throw new DrillException($"the lab has ended: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }
}
