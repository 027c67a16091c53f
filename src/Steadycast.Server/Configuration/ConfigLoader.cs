using System.Collections;

namespace Steadycast.Server.Configuration;

/// <summary>What came of reading a configuration: options to run with, or all that is wrong with them.</summary>
/// <param name="Options">Null when there are faults.</param>
internal sealed record ConfigResult(SteadycastOptions? Options, IReadOnlyList<ConfigFault> Faults);

/// <summary>Flags over environment over file over defaults, bound and checked; every fault at once.</summary>
internal static class ConfigLoader
{
    private const string Prefix = "STEADYCAST__";

    /// <summary>
    /// Sections that other versions have, so that a file written for them is told so instead of "unknown".
    /// </summary>
    private static readonly HashSet<string> SectionsOfOtherVersions =
        new(StringComparer.Ordinal) { "monitor", "fleet", "alerts", "dashboard", "access" };

    /// <summary>streaming-lab's switcher was configured by these alone.</summary>
    private static readonly string[] StreamingLabVariables =
    [
        "PRIMARY_BASE_URL", "BACKUP_BASE_URL", "PLAYLIST_PATH", "CHECK_INTERVAL_SECONDS",
        "SEGMENT_AGE_THRESHOLD_SECONDS", "REQUIRED_WINDOWS",
    ];

    /// <summary>The environment of this process as the loader wants it.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);

    /// <summary>Whether the environment alone describes something to run.</summary>
    public static bool IsConfiguredByEnvironment(IReadOnlyDictionary<string, string> environment) =>
        environment.ContainsKey("PRIMARY_BASE_URL")
        || environment.Keys.Any(k => k.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase));

    /// <param name="path">The file; null when environment and flags are all there is.</param>
    /// <param name="sets"><c>switch.required_windows=2</c>, as given on the command line.</param>
    public static ConfigResult Load(
        string? path, IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> sets)
    {
        var faults = new List<ConfigFault>();
        var root = path is null ? new ConfigMap(ConfigSource.None) : ConfigFile.Read(path, faults);
        return root is null ? new ConfigResult(null, faults) : Bind(root, environment, sets, faults);
    }

    /// <summary>As <see cref="Load"/>, of text that is at hand.</summary>
    public static ConfigResult Parse(
        string text, IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> sets)
    {
        var faults = new List<ConfigFault>();
        var root = ConfigFile.Parse(text, faults);
        return root is null ? new ConfigResult(null, faults) : Bind(root, environment, sets, faults);
    }

    private static ConfigResult Bind(
        ConfigMap root, IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> sets,
        List<ConfigFault> faults)
    {
        OverlayStreamingLab(root, environment);
        OverlayEnvironment(root, environment, faults);
        OverlayFlags(root, sets, faults);
        foreach (var section in root.Entries.Keys.Where(SectionsOfOtherVersions.Contains))
        {
            faults.Add(new ConfigFault(section, root.Entries[section].Source,
                "is not in this version", "remove the section, or run the version that has it"));
        }

        var binder = new ConfigBinder(environment, faults);
        var options =
            (SteadycastOptions)binder.BindSection(root, typeof(SteadycastOptions), "", SectionsOfOtherVersions);
        new CrossChecks(binder.Sources, faults).Run(options);
        var inOrder = faults.OrderBy(f => f.Source.Line ?? int.MaxValue).ToList();
        return new ConfigResult(inOrder.Count == 0 ? options : null, inOrder);
    }

    /// <summary>
    /// The six belong to a file with a switch section, or to a process with no sections at all: a REQUIRED_WINDOWS left
    /// in the environment of an ingest must not make a switch of it.
    /// </summary>
    private static void OverlayStreamingLab(ConfigMap root, IReadOnlyDictionary<string, string> environment)
    {
        var applies = root.Entries.ContainsKey("switch")
            || (root.Entries.Count == 0 && environment.ContainsKey("PRIMARY_BASE_URL"));
        if (!applies)
            return;
        foreach (var name in StreamingLabVariables)
        {
            if (environment.TryGetValue(name, out var value))
                root.Overlay(["switch", name.ToLowerInvariant()], new ConfigScalar(value, ConfigSource.Variable(name)));
        }
    }

    private static void OverlayEnvironment(
        ConfigMap root, IReadOnlyDictionary<string, string> environment, List<ConfigFault> faults)
    {
        var names = environment.Keys
            .Where(k => k.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            .OrderBy(k => k.Length) // Place 2 of a list before place 10.
            .ThenBy(k => k, StringComparer.Ordinal);
        foreach (var name in names)
        {
            var path = name[Prefix.Length..].ToLowerInvariant().Split("__");
            Overlay(root, path, new ConfigScalar(environment[name], ConfigSource.Variable(name)), faults);
        }
    }

    private static void OverlayFlags(ConfigMap root, IReadOnlyList<string> sets, List<ConfigFault> faults)
    {
        foreach (var set in sets)
        {
            var equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                faults.Add(
                    new ConfigFault(
                        "", ConfigSource.Flag(set), "has no value", "write --set switch.required_windows=2"));
                continue;
            }

            var key = set[..equals];
            var path = key.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)
                .Split('.');
            Overlay(root, path, new ConfigScalar(set[(equals + 1)..], ConfigSource.Flag(key)), faults);
        }
    }

    private static void Overlay(ConfigMap root, string[] path, ConfigScalar value, List<ConfigFault> faults)
    {
        if (path.Any(string.IsNullOrEmpty))
            faults.Add(
                new ConfigFault(
                    string.Join('.', path), value.Source, "is not a key", "write STEADYCAST__SECTION__KEY"));
        else if (!root.Overlay(path, value))
            faults.Add(
                new ConfigFault(
                    string.Join('.', path), value.Source, "skips a place in its list", "count from 0 without holes"));
    }
}
