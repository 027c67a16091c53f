using Steadycast.Server.Configuration;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Ingest;
using Steadycast.Streaming.Packaging;

namespace Steadycast.Server.Tests.Configuration;

public sealed class ConfigLoaderTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Fact]
    public void An_empty_section_is_a_role_with_all_defaults()
    {
        var options = Good("ingest:\n");

        Assert.Equal(new IngestOptions().ListenAddr, options.Ingest!.ListenAddr);
        Assert.Null(options.Switch);
    }

    [Fact]
    public void Every_kind_of_value_is_read()
    {
        var options = Good("""
            ingest:
              listen_addr: ":1936"
              publish_conflict: takeover
              segment_seconds: 4
              publish:
                - stream: live/show
                  key: s3cret
                - stream: open/*
            packager: { feed: "http://ingest:9101", container: ts, streams: [a, b/c] }
            origin: {}
            switch:
              listen_addr: ":8090"
              check_interval_seconds: 0.25
              origins: [{ name: a, url: "http://a/hls" }]
            log: { level: debug, format: json }
            """);

        Assert.Equal(":1936", options.Ingest!.ListenAddr);
        Assert.Equal(PublishConflict.Takeover, options.Ingest.PublishConflict);
        Assert.Equal(4, options.Ingest.SegmentSeconds);
        Assert.Equal([new PublishRule("live/show", "s3cret"), new PublishRule("open/*", null)], options.Ingest.Publish);
        Assert.Equal(Container.Ts, options.Packager!.Container);
        Assert.Equal(["http://ingest:9101"], options.Packager.Feed);
        Assert.Equal(["a", "b/c"], options.Packager.Streams);
        Assert.Equal(0.25, options.Switch!.CheckIntervalSeconds);
        Assert.Equal("http://a/hls", options.Switch.Origins[0].Url);
        Assert.Equal((LogVerbosity.Debug, LogFormat.Json), (options.Log.Level, options.Log.Format));
    }

    [Fact]
    public void Json_is_read_as_yaml_is() =>
        Assert.Equal(
            7, Good("""{"switch": {"primary_base_url": "http://p/hls", "required_windows": 7}}""")
                .Switch!.RequiredWindows);

    [Fact]
    public void Flags_win_over_environment_over_file_over_defaults()
    {
        const string file = "switch:\n  primary_base_url: http://p/hls\n  required_windows: 2\n";
        var environment = new Dictionary<string, string> { ["STEADYCAST__SWITCH__REQUIRED_WINDOWS"] = "3" };

        Assert.Equal(60, Good("switch:\n  primary_base_url: http://p/hls\n").Switch!.RequiredWindows);
        Assert.Equal(2, Good(file).Switch!.RequiredWindows);
        Assert.Equal(3, Good(file, environment).Switch!.RequiredWindows);
        Assert.Equal(4, Good(file, environment, "switch.required_windows=4").Switch!.RequiredWindows);
    }

    [Fact]
    public void Steadycasts_own_variable_wins_over_streaming_labs()
    {
        var environment = new Dictionary<string, string>
        {
            ["REQUIRED_WINDOWS"] = "5",
            ["STEADYCAST__SWITCH__REQUIRED_WINDOWS"] = "3",
        };

        Assert.Equal(3, Good("switch:\n  primary_base_url: http://p/hls\n", environment).Switch!.RequiredWindows);
    }

    [Fact]
    public void The_environment_reaches_into_lists_and_absent_sections()
    {
        var environment = new Dictionary<string, string>
        {
            ["STEADYCAST__SWITCH__ORIGINS__0__NAME"] = "a",
            ["STEADYCAST__SWITCH__ORIGINS__0__URL"] = "http://a/hls",
            ["STEADYCAST__SWITCH__ORIGINS__1__NAME"] = "b",
            ["STEADYCAST__SWITCH__ORIGINS__1__URL"] = "http://b/hls",
            ["STEADYCAST__SWITCH__STREAMS"] = "live/show, mystream",
        };

        var options = Good("", environment).Switch!;

        Assert.Equal(["a", "b"], options.Origins.Select(o => o.Name));
        Assert.Equal(["live/show", "mystream"], options.Streams);
    }

    [Fact]
    public void Streaming_labs_six_variables_alone_make_its_switch()
    {
        var options = Good("", new Dictionary<string, string>
        {
            ["PRIMARY_BASE_URL"] = "http://origin-primary/hls",
            ["BACKUP_BASE_URL"] = "http://origin-backup/hls",
            ["PLAYLIST_PATH"] = "live.m3u8",
            ["CHECK_INTERVAL_SECONDS"] = "5",
            ["SEGMENT_AGE_THRESHOLD_SECONDS"] = "20",
            ["REQUIRED_WINDOWS"] = "3",
        }).Switch!;

        Assert.Equal("http://origin-primary/hls", options.PrimaryBaseUrl);
        Assert.Equal("http://origin-backup/hls", options.BackupBaseUrl);
        Assert.Equal("live.m3u8", options.PlaylistPath);
        Assert.Equal(5, options.CheckIntervalSeconds);
        Assert.Equal(20, options.SegmentAgeThresholdSeconds);
        Assert.Equal(3, options.RequiredWindows);
    }

    [Fact]
    public void Streaming_labs_variables_do_not_turn_an_ingest_into_a_switch() =>
        Assert.Null(Good("ingest:\n", new Dictionary<string, string> { ["PRIMARY_BASE_URL"] = "http://p/hls" }).Switch);

    [Fact]
    public void Every_fault_is_listed_at_once_with_key_line_and_next_step()
    {
        var faults = Faults("""
            ingest:
              segment_seconds: 99
              publish_conflict: fight
            switch:
              requierd_windows: 3
              check_interval_seconds: often
              primary_base_url: ftp://origin
            """);

        Assert.Equal(
        [
            "ingest.segment_seconds (line 2): 99 is out of range; write a value from 1 to 10",
            "ingest.publish_conflict (line 3): \"fight\" is not one of the choices; write refuse, takeover_when_silent, takeover",
            "switch.requierd_windows (line 5): is not a known key; did you mean required_windows?",
            "switch.check_interval_seconds (line 6): \"often\" is not a number; write a number such as 0.5",
            "switch.primary_base_url (line 7): is not an http or https address; write one such as http://origin-primary/hls",
        ], faults);
    }

    [Theory]
    [InlineData("ingest: 5", "ingest (line 1): is a section, not a value; write its keys below it, indented")]
    [InlineData("ingest: { segment_seconds: [1] }", "ingest.segment_seconds (line 1): is a single value, not a list or a section; write one value after the colon")]
    [InlineData("ingest: { publish: one }", "ingest.publish (line 1): is a list, not a single value; write each entry after a dash: - entry")]
    [InlineData("ingest:\n  tls:\n    cert_file: /none.pem", "ingest.tls.key_file (line 2): is missing; add key_file:")]
    [InlineData("ingest: {}\nmonitor: { streams: [] }", "monitor (line 2): is not in this version; remove the section, or run the version that has it")]
    [InlineData("ingest:\n  listen_addr: a\n  listen_addr: b", "line 3: this is not YAML: Duplicate key listen_addr; mend the line")]
    [InlineData("- a\n- b", "line 1: the file is not a set of sections; begin with a role: switch:")]
    [InlineData("inget: {}\ningest: {}", "inget (line 1): is not a known key; did you mean ingest?")]
    [InlineData("log: {}", "line 1: no role is configured; add a section: ingest:, relay:, packager:, origin: or switch:")]
    public void A_fault_says_what_is_wrong_and_what_to_do(string file, string expected) =>
        Assert.Contains(expected, Faults(file));

    [Fact]
    public void A_fault_in_a_variable_names_the_variable() =>
        Assert.Equal(
            ["ingest.segment_seconds (environment variable STEADYCAST__INGEST__SEGMENT_SECONDS): \"two\" is not a whole number; write a whole number such as 60"],
            Faults("ingest:", new Dictionary<string, string> { ["STEADYCAST__INGEST__SEGMENT_SECONDS"] = "two" }));

    [Fact]
    public void A_variable_and_a_file_stand_for_a_secret()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "from-file\n");
        try
        {
            var rules = Good(
                $$"""
                ingest:
                  publish:
                    - { stream: a, key: "${SHOW_KEY}" }
                    - { stream: b, key: "x-${SHOW_KEY}-y" }
                    - { stream: c, key: "$${SHOW_KEY}" }
                    - { stream: d, key: "file:{{file}}" }
                """,
                new Dictionary<string, string> { ["SHOW_KEY"] = "s3cret" }).Ingest!.Publish;

            Assert.Equal(["s3cret", "x-s3cret-y", "${SHOW_KEY}", "from-file"], rules.Select(r => r.Key));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_secret_is_in_no_fault()
    {
        var environment = new Dictionary<string, string> { ["SECONDS"] = "hunter2" };

        var faults = Faults("ingest: { segment_seconds: \"${SECONDS}\" }", environment);

        Assert.Equal(
            ["ingest.segment_seconds (line 1): the value is not a whole number; write a whole number such as 60"],
            faults);
    }

    [Theory]
    [InlineData("${NOT_SET}", "asks for the environment variable NOT_SET, which is not set; set NOT_SET")]
    [InlineData("file:/no/such/secret", "asks for the file /no/such/secret, which cannot be read; create it, or let this user read it")]
    [InlineData("${OPEN", "has ${ without }; write ${NAME}, or $${ for the characters themselves")]
    public void A_secret_that_cannot_be_had_is_a_fault(string key, string expected) =>
        Assert.Equal(
            [$"ingest.publish[0].key (line 1): {expected}"],
            Faults($"ingest: {{ publish: [{{ stream: a, key: \"{key}\" }}] }}"));

    [Fact]
    public void Aliases_that_unfold_without_end_are_refused()
    {
        var bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range('b', 8).Select(
            c => $"{(char)c}: &{(char)c} [{string.Join(',', Enumerable.Repeat("*" + (char)(c - 1), 10))}]\n"));

        Assert.Contains(Faults(bomb), f => f.Contains("nested or repeated too often", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_not_there_is_one_fault() =>
        Assert.Equal(
            "/no/such.yaml cannot be read: there is no such file; name a file that can",
            Assert.Single(ConfigLoader.Load("/no/such.yaml", NoEnvironment, []).Faults).ToString());

    private static SteadycastOptions Good(
        string text, Dictionary<string, string>? environment = null, params string[] sets)
    {
        var result = ConfigLoader.Parse(text, environment ?? NoEnvironment, sets);
        Assert.Empty(result.Faults.Select(f => f.ToString()));
        return result.Options!;
    }

    private static IEnumerable<string> Faults(string text, Dictionary<string, string>? environment = null)
    {
        var result = ConfigLoader.Parse(text, environment ?? NoEnvironment, []);
        Assert.Null(result.Options);
        return result.Faults.Select(f => f.ToString());
    }
}
