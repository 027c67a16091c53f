using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Lab;

/// <summary>Which boxes there are, where they listen and what stands in their files. Pure.</summary>
internal sealed class LabPlan
{
    /// <summary>The stream of the built-in picture, and what streaming-lab's README tells OBS to publish.</summary>
    public const string StreamName = "mystream";

    private const int HighestPort = 9103;

    private readonly LabSettings _settings;
    private readonly string _program;
    private readonly IReadOnlyList<string> _programArguments;
    private readonly string _folder;

    /// <param name="program">
    /// This executable, and what comes before a command's arguments (the dll, under dotnet).
    /// </param>
    public LabPlan(LabSettings settings, string program, IReadOnlyList<string> programArguments)
    {
        (_settings, _program, _programArguments) = (settings, program, programArguments);
        _folder = Path.GetFullPath(settings.Folder);
        Boxes =
        [
            Ingest(),
            Packager("packager-primary", 9102, "primary"),
            Packager("packager-backup", 9103, "backup"),
            Origin("origin-primary", 8081, "primary"),
            Origin("origin-backup", 8082, "backup"),
            Switch(),
            .. settings.WithPublisher ? [Publisher()] : Array.Empty<Box>(),
        ];
    }

    public static int HighestOffset => 65535 - HighestPort;

    public IReadOnlyList<Box> Boxes { get; }

    public string Page => $"http://localhost:{Port(8080)}/";

    public string Playlist => $"http://127.0.0.1:{Port(8080)}/hls/index.m3u8";

    public string Rtmp => $"rtmp://127.0.0.1:{Port(1935)}";

    public string ConfigurationFile(Box box) => Path.Combine(_folder, "lab", box.Name + ".yaml");

    public string LogFile(Box box) => Path.Combine(_folder, "logs", box.Name + ".log");

    private Box Ingest()
    {
        var rtmp = Address(1935, isPublic: true);
        var http = Address(9101, isPublic: false);
        return Serve("ingest", "ingest", http, Rtmp, [rtmp],
            $"""
            ingest:
              listen_addr: "{rtmp}"
              http_addr: "{http}"
              state_dir: {Quote(Path.Combine(_folder, "state", "ingest"))}
            """);
    }

    private Box Packager(string name, int port, string side)
    {
        var http = Address(port, isPublic: false);
        return Serve(name, "packager", http, null, [],
            $"""
            packager:
              feed: "http://127.0.0.1:{Port(9101)}"
              http_addr: "{http}"
              store: {Quote(Path.Combine(_folder, "hls", side))}
            """);
    }

    private Box Origin(string name, int port, string side)
    {
        var http = Address(port, isPublic: false);
        return Serve(name, "origin", http, null, [],
            $"""
            origin:
              listen_addr: "{http}"
              store: {Quote(Path.Combine(_folder, "hls", side))}
              default_stream: {StreamName}
            """);
    }

    private Box Switch()
    {
        var http = Address(8080, isPublic: true);
        return Serve("switch", "switch", http, null, [],
            $"""
            switch:
              listen_addr: "{http}"
              origins:
                - {"{"} name: primary, url: "http://127.0.0.1:{Port(8081)}/hls" {"}"}
                - {"{"} name: backup, url: "http://127.0.0.1:{Port(8082)}/hls" {"}"}
              default_stream: {StreamName}
              state_dir: {Quote(Path.Combine(_folder, "state", "switch"))}
            """);
    }

    private Box Publisher() => new("publisher", "publisher", null, null, _program,
        [.. _programArguments, "publish", "test", $"{Rtmp}/{StreamName}", "--loop", "--yield", "--supervised"], [],
        null);

    private Box Serve(
        string name, string role, ListenAddress http, string? rtmp, IEnumerable<ListenAddress> others,
        string configuration)
    {
        var file = Path.Combine(_folder, "lab", name + ".yaml");
        var text = $"# Written by `steadycast lab` at each start.\n{configuration}\nlog: {{ format: text }}\n";
        return new Box(name, role, $"http://127.0.0.1:{http.Port}", rtmp, _program,
            [.. _programArguments, "serve", "--config", file, "--supervised"], [http, .. others], text);
    }

    private ListenAddress Address(int port, bool isPublic) =>
        ListenAddress.Parse(isPublic && _settings.Lan ? $":{Port(port)}" : $"127.0.0.1:{Port(port)}");

    private int Port(int port) => port + _settings.PortOffset;

    /// <summary>A YAML single-quoted scalar: the folder may have any name.</summary>
    private static string Quote(string path) => "'" + path.Replace("'", "''", StringComparison.Ordinal) + "'";
}
