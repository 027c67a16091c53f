using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Steadycast.EndToEnd.Tests.Players;

/// <summary>
/// Where the frame counter of the test picture is, and what each digit looks like there: learnt from the clip itself.
/// </summary>
internal static class BurntInCounter
{
    // tools/make-test-clip draws four digits of 30 px in a mono-spaced face from 644,374; each is 18.06 px wide.
    private const int X = 640;
    private const int Y = 370;
    private const int Width = 84;
    private const int Height = 34;
    private const int Frames = 960;
    private const double FirstDigit = 4;
    private const double Advance = 18.06;
    private const int Span = 18;

    /// <summary>The luma above which a pixel is of a digit and not of its ground, 0 to 255 of full range.</summary>
    private const byte Lit = 90;

    /// <summary>As players.js wants it.</summary>
    public static async Task<JsonObject> LearnAsync(string clip, CancellationToken cancellationToken)
    {
        var pictures = await PicturesAsync(clip, cancellationToken);
        var digits = new JsonArray();
        // The thousands are always 0.
        for (var place = 1; place < 4; place++)
        {
            var left = (int)Math.Round(FirstDigit + place * Advance);
            var step = place switch { 1 => 100, 2 => 10, _ => 1 };
            var looks = new JsonArray();
            for (var digit = 0; digit < 10; digit++)
                looks.Add(Look(pictures.AsSpan(digit * step * Width * Height, Width * Height), left));
            digits.Add(new JsonObject { ["left"] = left, ["span"] = Span, ["looks"] = looks });
        }

        return new JsonObject
        {
            ["x"] = X,
            ["y"] = Y,
            ["width"] = Width,
            ["height"] = Height,
            ["digits"] = digits,
        };
    }

    private static JsonArray Look(ReadOnlySpan<byte> picture, int left)
    {
        var look = new JsonArray();
        for (var row = 0; row < Height; row++)
        {
            for (var column = 0; column < Span; column++)
                look.Add(picture[row * Width + left + column] > Lit ? 1 : 0);
        }

        return look;
    }

    private static async Task<byte[]> PicturesAsync(string clip, CancellationToken cancellationToken)
    {
        using var ffmpeg = Process.Start(new ProcessStartInfo("ffmpeg",
        [
            "-nostdin", "-loglevel", "error", "-i", clip,
            "-vf", $"crop={Width}:{Height}:{X}:{Y},scale=in_range=tv:out_range=pc,format=gray",
            "-f", "rawvideo", "-",
        ])
        { RedirectStandardOutput = true, UseShellExecute = false })!;
        var pictures = new MemoryStream();
        await ffmpeg.StandardOutput.BaseStream.CopyToAsync(pictures, cancellationToken);
        await ffmpeg.WaitForExitAsync(cancellationToken);
        Assert.Equal(Frames * Width * Height, pictures.Length);
        return pictures.ToArray();
    }
}
