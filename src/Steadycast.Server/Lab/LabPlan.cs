using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Lab;

/// <summary>Which boxes there are, where they listen and what stands in their files. Pure.</summary>
internal sealed class LabPlan
{
    /// <summary>The stream of the built-in picture, and what streaming-lab's README tells OBS to publish.</summary>
    public const string StreamName = "mystream";

    private const int HighestPort = 9104;

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
            .. Ingests(),
            Packager("packager-primary", 9102, "primary"),
            Packager("packager-backup", 9103, "backup"),
            Origin("origin-primary", 8081, "primary"),
            Origin("origin-backup", 8082, "backup"),
            Switch(),
            .. settings.WithPublisher ? Publishers() : [],
        ];
    }

    public static int HighestOffset => 65535 - HighestPort;

    public IReadOnlyList<Box> Boxes { get; }

    public string Page => $"http://localhost:{Port(8080)}/";

    public string Playlist => $"http://127.0.0.1:{Port(8080)}/hls/index.m3u8";

    public string Rtmp => $"rtmp://127.0.0.1:{Port(1935)}";

    public string ConfigurationFile(Box box) => Path.Combine(_folder, "lab", box.Name + ".yaml");

    public string LogFile(Box box) => Path.Combine(_folder, "logs", box.Name + ".log");

    private IEnumerable<Box> Ingests()
    {
        if (_settings.Source != LabSource.TwoIngests)
        {
            // After a return, drills of the publisher would meet the seam of the one before.
            return [Ingest("ingest", 1935, 9101, _settings.Source == LabSource.Standby
                ? "standby: { return: never }"
                : "")];
        }

        return
        [
            Ingest("ingest", 1935, 9101, $"""peers: ["http://127.0.0.1:{Port(9104)}"]"""),
            Ingest("ingest-2", 1936, 9104, $"""peers: ["http://127.0.0.1:{Port(9101)}"]"""),
        ];
    }

    private Box Ingest(string name, int rtmpPort, int httpPort, string more)
    {
        var rtmp = Address(rtmpPort, isPublic: true);
        var http = Address(httpPort, isPublic: false);
        return Serve(name, "ingest", http, $"rtmp://127.0.0.1:{rtmp.Port}", [rtmp],
            $"""
            ingest:
              listen_addr: "{rtmp}"
              http_addr: "{http}"
              state_dir: {Quote(Path.Combine(_folder, "state", name))}
              {more}
            """);
    }

    private Box Packager(string name, int port, string side)
    {
        var http = Address(port, isPublic: false);
        return Serve(name, "packager", http, null, [],
            $"""
            packager:
              feed: [{Feeds()}]
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

    private string Feeds()
    {
        var first = $"\"http://127.0.0.1:{Port(9101)}\"";
        return _settings.Source == LabSource.TwoIngests ? $"{first}, \"http://127.0.0.1:{Port(9104)}\"" : first;
    }

    /// <summary>Whoever comes takes the place of one that yields: of two at one ingest none does.</summary>
    private IEnumerable<Box> Publishers() => _settings.Source switch
    {
        LabSource.Standby =>
        [
            Publisher("publisher", $"{Rtmp}/{StreamName}"),
            Publisher("standby", $"{Rtmp}/{StreamName}?role=standby"),
        ],
        LabSource.TwoIngests =>
        [
            Publisher("publisher", $"{Rtmp}/{StreamName}", "--yield"),
            Publisher("publisher-2", $"rtmp://127.0.0.1:{Port(1936)}/{StreamName}", "--yield"),
        ],
        _ => [Publisher("publisher", $"{Rtmp}/{StreamName}", "--yield")],
    };

    private Box Publisher(string name, string url, params string[] more) => new(
        name, "publisher", null, null, _program,
        [.. _programArguments, "publish", "test", url, "--loop", .. more, "--supervised"], [], null);

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
