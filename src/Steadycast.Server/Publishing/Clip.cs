using System.Reflection;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Server.Publishing;

/// <summary>An FLV file that can be played again and again.</summary>
internal sealed class Clip(Func<Stream> open)
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>The built-in picture: frame counter, clock, a beep each second; 32 s, exactly loopable.</summary>
    public static Clip TestPicture { get; } = BuiltIn("test-picture.flv");

    /// <summary>Of another size and profile, with one channel of sound; 8 s, exactly loopable.</summary>
    public static Clip OtherPicture { get; } = BuiltIn("other-picture.flv");

    public static Clip File(string path) =>
        new(() => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read));

    private static Clip BuiltIn(string name) => new(() =>
        Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
        ?? throw new FileNotFoundException($"This build has no {name}."));

    /// <summary>The messages once through; each payload is valid until the next is asked for.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="FlvFormatException">It is not FLV.</exception>
    public IEnumerable<MediaMessage> Read()
    {
        using var stream = open();
        var reader = new FlvReader();
        var buffer = new byte[BufferBytes];
        var (begin, end) = (0, 0);
        while (true)
        {
            ReadOnlyMemory<byte> input = buffer.AsMemory(begin, end - begin);
            var before = input.Length;
            var read = reader.TryRead(ref input, out var message);
            begin += before - input.Length;
            if (read)
            {
                yield return message;
                continue;
            }

            buffer.AsSpan(begin, end - begin).CopyTo(buffer);
            (begin, end) = (0, end - begin);
            // The tag is larger than the buffer; the reader bounds tags at 16 MiB.
            if (end == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            var count = stream.Read(buffer, end, buffer.Length - end);
            // A last tag that was cut off, as a recording that was killed leaves it, is left out.
            if (count == 0)
                yield break;
            end += count;
        }
    }
}
