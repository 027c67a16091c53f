using System.Text;
using Steadycast.Protocols.Mp4;

namespace Steadycast.Protocols.Tests.Mp4;

/// <summary>Boxes as indented text: one line per box, the bodies of those that hold no boxes in hexadecimal.</summary>
internal static class BoxDump
{
    private const int BytesPerLine = 48;

    private static readonly Dictionary<string, int> ChildrenAt = new(StringComparer.Ordinal)
    {
        ["moov"] = 0,
        ["trak"] = 0,
        ["mdia"] = 0,
        ["minf"] = 0,
        ["dinf"] = 0,
        ["stbl"] = 0,
        ["mvex"] = 0,
        ["moof"] = 0,
        ["traf"] = 0,
        ["dref"] = 8,
        ["stsd"] = 8,
        ["avc1"] = 78,
        ["hvc1"] = 78,
        ["av01"] = 78,
        ["mp4a"] = 28,
        ["Opus"] = 28,
    };

    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        Append(text, bytes, "");
        return text.ToString();
    }

    private static void Append(StringBuilder text, ReadOnlySpan<byte> bytes, string indent)
    {
        var reader = new BoxReader(bytes);
        while (reader.TryRead(out var box))
        {
            text.Append($"{indent}{box.Name} {box.Body.Length}\n");
            var own = ChildrenAt.GetValueOrDefault(box.Name, box.Body.Length);
            for (var at = 0; at < own; at += BytesPerLine)
            {
                var line = Convert.ToHexStringLower(box.Body[at..Math.Min(own, at + BytesPerLine)]);
                text.Append($"{indent}  {line}\n");
            }

            Append(text, box.Body[own..], indent + "  ");
        }

        Assert.True(reader.AtEnd);
    }
}
