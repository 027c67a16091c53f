namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>
/// A wish to publish or to play one stream. Its text form leaves out the query, which may hold a key.
/// </summary>
public sealed class StreamRequest
{
    internal StreamRequest(ConnectRequest connect, string name, uint messageStreamId)
    {
        int query = name.IndexOf('?', StringComparison.Ordinal);
        App = connect.App;
        Name = (query < 0 ? name : name[..query]).Trim('/');
        AppQuery = connect.Query;
        NameQuery = query < 0 ? "" : name[(query + 1)..];
        MessageStreamId = messageStreamId;
    }

    public string App { get; }

    /// <summary>The stream's own name, without query; empty when the address was <c>rtmp://host/app</c>.</summary>
    public string Name { get; }

    /// <summary>The whole path: <c>app/name</c>, or <c>app</c> alone.</summary>
    public string Path => (App, Name) switch
    {
        (_, "") => App,
        ("", _) => Name,
        _ => $"{App}/{Name}",
    };

    public string AppQuery { get; }

    public string NameQuery { get; }

    /// <summary>What createStream gave: media of this stream carries it.</summary>
    public uint MessageStreamId { get; }

    /// <summary>
    /// A parameter of the query, decoded once; the name's part goes before the app's. Null when neither has it.
    /// </summary>
    public string? Parameter(string key) => Find(NameQuery, key) ?? Find(AppQuery, key);

    public override string ToString() => Path;

    private static string? Find(string query, string key)
    {
        // Some encoders append "?a=b" to a name that has a query already, so a question mark parts parameters too.
        foreach (string pair in query.Split('&', '?'))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0 && pair.AsSpan(0, equals).SequenceEqual(key))
                return Uri.UnescapeDataString(pair[(equals + 1)..]);
        }

        return null;
    }
}
