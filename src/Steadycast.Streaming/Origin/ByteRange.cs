using System.Globalization;

namespace Steadycast.Streaming.Origin;

/// <summary>One range of bytes, as a Range header asks for it (RFC 9110 section 14.2).</summary>
internal readonly record struct ByteRange(int Offset, int Length)
{
    private const string Unit = "bytes=";

    /// <summary>
    /// Resolves a Range header against <paramref name="size"/> bytes. Several ranges, other units and bad syntax are
    /// <see cref="RangeOutcome.Whole"/>: "a server MAY ignore the Range header field".
    /// </summary>
    public static RangeOutcome Resolve(string? header, int size, out ByteRange range)
    {
        range = new ByteRange(0, size);
        if (header is null || !header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
            return RangeOutcome.Whole;
        var spec = header.AsSpan(Unit.Length).Trim();
        var dash = spec.IndexOf('-');
        if (dash < 0 || spec.Contains(','))
            return RangeOutcome.Whole;
        if (!TryNumber(spec[..dash], out var first) || !TryNumber(spec[(dash + 1)..], out var last))
            return RangeOutcome.Whole;
        if (first is null && last is null)
            return RangeOutcome.Whole;
        if (first is null)
        {
            // The last n bytes; all of them when there are fewer.
            if (last == 0 || size == 0)
                return RangeOutcome.Unsatisfiable;
            var tail = (int)Math.Min(last!.Value, size);
            range = new ByteRange(size - tail, tail);
            return RangeOutcome.Part;
        }

        if (last < first)
            return RangeOutcome.Whole;
        if (first >= size)
            return RangeOutcome.Unsatisfiable;
        var end = Math.Min(last ?? long.MaxValue, size - 1);
        range = new ByteRange((int)first.Value, (int)(end - first.Value + 1));
        return RangeOutcome.Part;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long? value)
    {
        value = null;
        if (text.IsEmpty)
            return true;
        // Longer numbers are above every size; 18 digits fit a long.
        if (text.Length > 18 || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        value = number;
        return true;
    }
}

internal enum RangeOutcome
{
    /// <summary>Answer 200 with everything.</summary>
    Whole,

    /// <summary>Answer 206.</summary>
    Part,

    /// <summary>Answer 416.</summary>
    Unsatisfiable,
}
