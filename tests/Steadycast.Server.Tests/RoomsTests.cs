using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Steadycast.Server.Tests;

/// <summary>The architecture as a table, and the house rules that a machine can check.</summary>
public sealed partial class RoomsTests
{
    /// <summary>Project -> the projects it may reference. Nothing points up or sideways.</summary>
    private static readonly Dictionary<string, string[]> Projects = new(StringComparer.Ordinal)
    {
        ["Protocols"] = [],
        ["Streaming"] = ["Protocols"],
        ["Fleet"] = ["Streaming"],
        ["Monitoring"] = ["Streaming"],
        ["Server"] = ["Fleet", "Monitoring", "Streaming"],
    };

    /// <summary>
    /// Room -> the rooms of its own project that it may use. Rooms of projects below are open to all.
    /// </summary>
    private static readonly Dictionary<string, string[]> Doors = new(StringComparer.Ordinal)
    {
        ["Protocols/Amf"] = [],
        ["Protocols/Codecs"] = [],
        ["Protocols/Flv"] = ["Codecs", "Rtmp"],
        ["Protocols/Hls"] = [],
        ["Protocols/Mp4"] = ["Codecs"],
        ["Protocols/MpegTs"] = ["Codecs"],
        ["Protocols/Rtmp"] = ["Amf"],

        ["Streaming/Roles"] = [],
        ["Streaming/Transport"] = ["Roles"],
        ["Streaming/Admission"] = [],
        ["Streaming/Hub"] = [],
        ["Streaming/Segments"] = [],
        ["Streaming/Viewing"] = [],
        ["Streaming/Rtmp"] = ["Admission", "Hub", "Roles", "Transport"],
        ["Streaming/Feed"] = ["Hub"],
        ["Streaming/Ingest"] = ["Admission", "Feed", "Hub", "Roles", "Rtmp", "Transport"],
        ["Streaming/Packaging"] = ["Feed", "Roles", "Segments"],
        ["Streaming/Origin"] = ["Roles", "Segments"],
        ["Streaming/Failover"] = ["Origin", "Roles", "Segments"],
        ["Streaming/Relay"] = ["Admission", "Hub", "Roles", "Rtmp", "Transport"],

        ["Server/"] = ["Cli"],
        ["Server/Configuration"] = [],
        ["Server/Telemetry"] = ["Configuration"],
        ["Server/Api"] = [],
        ["Server/Faults"] = [],
        ["Server/Hosting"] = ["Api", "Configuration", "Faults", "Telemetry"],
        ["Server/Publishing"] = [],
        ["Server/Lab"] = ["Hosting"],
        ["Server/Drills"] = ["Lab", "Telemetry"],
        ["Server/Evidence"] = [],
        ["Server/Cli"] = ["Configuration", "Drills", "Evidence", "Faults", "Hosting", "Lab", "Publishing", "Telemetry"],
    };

    public static TheoryData<string> SourceFiles => [.. Sources("src").Concat(Sources("tests"))];

    public static TheoryData<string> ProductFiles => [.. Sources("src")];

    [Fact]
    public void Every_project_references_only_what_the_plan_allows()
    {
        foreach (var (project, allowed) in Projects)
        {
            var file = XDocument.Load(
                Path.Combine(Checkout.Root, "src", "Steadycast." + project, $"Steadycast.{project}.csproj"));
            var references = file.Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!)["Steadycast.".Length..]);

            Assert.Equal(allowed, references.Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("Protocols")]
    [InlineData("Streaming")]
    public void The_lower_planes_use_no_packages(string project)
    {
        var file = XDocument.Load(
            Path.Combine(Checkout.Root, "src", "Steadycast." + project, $"Steadycast.{project}.csproj"));

        Assert.Empty(file.Descendants("PackageReference"));
    }

    [Theory]
    [MemberData(nameof(ProductFiles))]
    public void Every_file_goes_only_through_the_doors_in_the_table(string file)
    {
        var (project, room) = RoomOf(file);
        Assert.True(
            Doors.TryGetValue($"{project}/{room}", out var doors),
            $"{project}/{room} is a new room: add it to the table.");
        foreach (var line in Code(file).Where(l => !l.StartsWith("namespace ", StringComparison.Ordinal)))
        {
            foreach (Match use in RoomName().Matches(line))
            {
                var (otherProject, otherRoom) = (use.Groups["project"].Value, use.Groups["room"].Value);
                if (otherProject != project)
                    Assert.True(Reaches(project, otherProject), $"{project} may not use {otherProject}: {line.Trim()}");
                else if (otherRoom != room && Directory.Exists(Folder(project, otherRoom)))
                    Assert.True(
                        doors.Contains(otherRoom), $"{project}/{room} has no door to {otherRoom}: {line.Trim()}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(SourceFiles))]
    public void The_namespace_is_the_folder(string file)
    {
        var folder = Path.GetDirectoryName(file)!.Split('/')[1..];
        var expected = string.Join('.', folder);

        var declared = Code(file).Where(l => l.StartsWith("namespace ", StringComparison.Ordinal));

        Assert.All(declared, d => Assert.Equal($"namespace {expected};", d.TrimEnd()));
    }

    [Theory]
    [MemberData(nameof(SourceFiles))]
    public void A_file_is_short_enough_to_read(string file)
    {
        var lines = File.ReadAllLines(Path.Combine(Checkout.Root, file));

        Assert.True(lines.Length <= 600, $"{lines.Length} lines: split it along its story.");
        // Tables of tests quote what they test, however long that is.
        if (file.StartsWith("src/", StringComparison.Ordinal))
            Assert.DoesNotContain(lines, l => l.Length > 120);
    }

    [Fact]
    public void Every_room_has_a_short_introduction()
    {
        foreach (var room in Doors.Keys.Where(r => !r.EndsWith('/')))
        {
            var introduction = Path.Combine(Checkout.Root, "src", "Steadycast." + room, "README.md");
            Assert.True(File.Exists(introduction), $"{room} has no README.md.");
            Assert.InRange(File.ReadAllLines(introduction).Length, 3, 25);
        }
    }

    [Theory]
    [MemberData(nameof(SourceFiles))]
    public void A_type_is_named_for_what_it_does(string file) =>
        Assert.DoesNotContain(Code(file), l => VagueName().IsMatch(l));

    [Theory]
    [MemberData(nameof(SourceFiles))]
    public void Nothing_is_left_lying_about(string file) =>
        Assert.DoesNotContain(File.ReadLines(Path.Combine(Checkout.Root, file)), l => Leftover().IsMatch(l));

    private static IEnumerable<string> Sources(string under) =>
        Directory.EnumerateFiles(Path.Combine(Checkout.Root, under), "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Checkout.Root, f).Replace('\\', '/'))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)
                && !f.Contains("/node_modules/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    private static IEnumerable<string> Code(string file) =>
        File.ReadLines(Path.Combine(Checkout.Root, file))
            .Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal));

    private static (string Project, string Room) RoomOf(string file)
    {
        var parts = file.Split('/');
        return (parts[1]["Steadycast.".Length..], parts.Length > 3 ? parts[2] : "");
    }

    private static string Folder(string project, string room) =>
        Path.Combine(Checkout.Root, "src", "Steadycast." + project, room);

    private static bool Reaches(string project, string other) =>
        Projects[project].Any(p => p == other || Reaches(p, other));

    [GeneratedRegex(
        @"\bSteadycast\.(?<project>Protocols|Streaming|Fleet|Monitoring|Server)\.(?<room>\w+)",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RoomName();

    [GeneratedRegex(
        @"\b(class|record|struct|interface|enum)\s+\w+(Manager|Helper|Utils?|Common|Misc|Impl|Base)\b",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VagueName();

    [GeneratedRegex(@"^\s*(#region|#endregion)|//\s*(TODO|FIXME|HACK|XXX)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Leftover();
}
