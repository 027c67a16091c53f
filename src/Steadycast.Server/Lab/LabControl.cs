using System.Net.Sockets;
using System.Text.Json;

namespace Steadycast.Server.Lab;

/// <summary>
/// The door through which <c>steadycast drill</c> makes its faults: a socket in the lab's folder that only the lab's
/// own user can open. What one connection broke is whole again when that connection ends, however it ends.
/// </summary>
/// <remarks>
/// A line in, a line out. Actions on a box: <c>kill</c>, <c>terminate</c>, <c>freeze</c>, <c>hold</c> (killed and kept
/// away), <c>inject</c>; and <c>lift</c>, which ends all that lasts. One connection at a time: two drills at once would
/// measure each other.
/// </remarks>
internal sealed class LabControl(string path, IReadOnlyDictionary<string, BoxHandle> boxes)
{
    /// <summary>The system's limit for the address of a socket is 104 bytes on macOS, 108 on Linux.</summary>
    private const int LongestPath = 100;

    private const int LongestLine = 1024;

    /// <summary>Where the socket of a lab in <paramref name="folder"/> is; null when the path is too long.</summary>
    public static string? PathIn(string folder)
    {
        var path = Path.Combine(folder, "lab.sock");
        return System.Text.Encoding.UTF8.GetByteCount(path) <= LongestPath ? path : null;
    }

    /// <summary>Returns when <paramref name="stop"/> was asked for.</summary>
    /// <exception cref="IOException">The socket cannot be made.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        // Of a lab that was killed: this one holds the folder's lock.
        File.Delete(path);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(4);
        }
        catch (SocketException e)
        {
            throw new IOException($"{path} cannot be made: {e.Message}", e);
        }

        try
        {
            while (!stop.IsCancellationRequested)
            {
                using var connection = await listener.AcceptAsync(stop);
                await ServeAsync(connection, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked for.
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task ServeAsync(Socket connection, CancellationToken stop)
    {
        try
        {
            await using var stream = new NetworkStream(connection, ownsSocket: false);
            var line = new byte[LongestLine];
            while (await ReadLineAsync(stream, line, stop) is var length and >= 0)
            {
                var answer = new ControlAnswer(Do(line.AsSpan(0, length)));
                var json = JsonSerializer.SerializeToUtf8Bytes(answer, ControlJson.Default.ControlAnswer);
                await stream.WriteAsync((byte[])[.. json, (byte)'\n'], stop);
            }
        }
        catch (IOException)
        {
            // The drill is gone.
        }
        finally
        {
            Lift();
        }
    }

    /// <returns>The length of the line; -1 at the end, or for a line that is too long.</returns>
    private static async Task<int> ReadLineAsync(NetworkStream stream, Memory<byte> line, CancellationToken stop)
    {
        for (var length = 0; length < line.Length; length++)
        {
            if (await stream.ReadAsync(line.Slice(length, 1), stop) == 0)
                return -1;
            if (line.Span[length] == '\n')
                return length;
        }

        return -1;
    }

    /// <returns>Why it was not done; null when it was.</returns>
    private string? Do(ReadOnlySpan<byte> line)
    {
        ControlRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(line, ControlJson.Default.ControlRequest);
        }
        catch (JsonException e)
        {
            return e.Message;
        }

        if (request?.Action == "lift")
        {
            Lift();
            return null;
        }

        if (request?.Box is not { } name || !boxes.TryGetValue(name, out var box))
            return $"there is no box {request?.Box}";
        switch (request.Action)
        {
            case "kill":
                box.Signal(Signals.Kill);
                return null;
            case "terminate":
                box.Signal(Signals.Terminate);
                return null;
            case "freeze":
                box.Freeze();
                return null;
            case "hold":
                box.Hold();
                return null;
            case "inject" when request.Fault is { } fault:
                box.Inject(fault);
                return null;
            default:
                return $"{request.Action} is not an action";
        }
    }

    private void Lift()
    {
        foreach (var box in boxes.Values)
            box.Lift();
    }
}
