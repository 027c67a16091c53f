using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steadycast.Server.Lab;

/// <summary>Keeps <c>lab.json</c> true: drills, tests and people find every box there.</summary>
/// <param name="control">The control socket; null when there is none.</param>
internal sealed class LabFile(string path, string play, string? control = null)
{
    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    };

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];

    public void Add(Box box, string log)
    {
        lock (_gate)
            _entries.Add(new Entry(box.Name, null, box.Role, box.Http, box.Rtmp, log, 0));
    }

    public void Started(string name, int pid, int restarts) =>
        Change(name, e => e with { Pid = pid, Restarts = restarts });

    public void Exited(string name) => Change(name, e => e with { Pid = null });

    /// <summary>Atomic: a reader sees the one before or this one.</summary>
    public void Write()
    {
        lock (_gate)
        {
            var contents = new Contents(Environment.ProcessId, _entries, play, null, control);
            var json = JsonSerializer.Serialize(contents, Format);
            File.WriteAllText(path + ".new", json + "\n");
            File.Move(path + ".new", path, overwrite: true);
        }
    }

    private void Change(string name, Func<Entry, Entry> change)
    {
        lock (_gate)
        {
            var at = _entries.FindIndex(e => e.Name == name);
            _entries[at] = change(_entries[at]);
            try
            {
                Write();
            }
            catch (IOException)
            {
                // A full disk leaves the file of the change before; the boxes run on.
            }
        }
    }

    /// <param name="Supervisor">The process to stop for all to stop.</param>
    /// <param name="Dashboard">Null until there is a monitor.</param>
    /// <param name="Control">Where drills make their faults; null where no socket can be.</param>
    private sealed record Contents(int Supervisor, IReadOnlyList<Entry> Processes, string Play, string? Dashboard,
        string? Control);

    /// <param name="Pid">Null between a death and the next start.</param>
    private sealed record Entry(
        string Name, int? Pid, string Role, string? Http, string? Rtmp, string Log, int Restarts);
}
