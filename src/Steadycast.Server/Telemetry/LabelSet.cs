using System.Diagnostics.CodeAnalysis;

namespace Steadycast.Server.Telemetry;

/// <summary>
/// The labels of one series, comparable with the span that a measurement brings, so that a hit allocates nothing.
/// </summary>
internal sealed class LabelSet(KeyValuePair<string, object?>[] labels)
{
    public KeyValuePair<string, object?>[] Labels { get; } = labels;

    /// <summary>Compares by order, too: a room records its labels in one order, always.</summary>
    internal sealed class Comparer
        : IEqualityComparer<LabelSet>, IAlternateEqualityComparer<ReadOnlySpan<KeyValuePair<string, object?>>, LabelSet>
    {
        public static Comparer Instance { get; } = new();

        public bool Equals(LabelSet? x, LabelSet? y) =>
            ReferenceEquals(x, y) || (x is not null && y is not null && Equals(x.Labels, y));

        public int GetHashCode([DisallowNull] LabelSet obj) => GetHashCode(obj.Labels.AsSpan());

        public LabelSet Create(ReadOnlySpan<KeyValuePair<string, object?>> alternate) => new(alternate.ToArray());

        public bool Equals(ReadOnlySpan<KeyValuePair<string, object?>> alternate, LabelSet other)
        {
            if (alternate.Length != other.Labels.Length)
                return false;
            for (var i = 0; i < alternate.Length; i++)
            {
                if (alternate[i].Key != other.Labels[i].Key || !Equals(alternate[i].Value, other.Labels[i].Value))
                    return false;
            }

            return true;
        }

        public int GetHashCode(ReadOnlySpan<KeyValuePair<string, object?>> alternate)
        {
            var hash = default(HashCode);
            foreach (var (key, value) in alternate)
            {
                hash.Add(key);
                hash.Add(value);
            }

            return hash.ToHashCode();
        }
    }
}
