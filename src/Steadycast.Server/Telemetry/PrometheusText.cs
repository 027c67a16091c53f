using System.Globalization;
using System.Text;

namespace Steadycast.Server.Telemetry;

/// <summary>
/// Writes families as Prometheus text 0.0.4 or OpenMetrics 1.0.0. They differ in a counter's family name (without
/// _total in OpenMetrics), in escaping of help, and in the last line.
/// </summary>
internal sealed class PrometheusText(bool openMetrics)
{
    public const string PrometheusType = "text/plain; version=0.0.4; charset=utf-8";
    public const string OpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private readonly StringBuilder _text = new();

    public string ContentType => openMetrics ? OpenMetricsType : PrometheusType;

    /// <summary>Whether a client that sends this Accept header prefers OpenMetrics.</summary>
    public static bool Accepts(string accept)
    {
        double open = 0, plain = 0;
        foreach (var part in accept.Split(',', StringSplitOptions.TrimEntries))
        {
            var fields = part.Split(';', StringSplitOptions.TrimEntries);
            var quality = 1.0;
            foreach (var field in fields.Skip(1))
            {
                if (field.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
                    && double.TryParse(
                        field.AsSpan(2), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var q))
                    quality = q;
            }

            if (fields[0].Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase))
                open = Math.Max(open, quality);
            else if (fields[0].Equals("text/plain", StringComparison.OrdinalIgnoreCase))
                plain = Math.Max(plain, quality);
        }

        return open > 0 && open >= plain;
    }

    /// <summary>
    /// Instruments of one name: several roles of one process may each have made it; equal labels add up.
    /// </summary>
    public void Family(IReadOnlyList<Family> sameName)
    {
        var first = sameName[0];
        var series = sameName
            .Where(f => f.Kind == first.Kind)
            .SelectMany(f => f.Series)
            .Select(s => (Labels: Labels(s.Key.Labels), s.Value))
            .GroupBy(s => s.Labels, s => s.Value, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .ToList();
        if (series.Count == 0)
            return;
        var name = Header(first.Name, first.Kind, first.Help);
        foreach (var group in series)
        {
            if (first.Kind == FamilyKind.Histogram)
                Histogram(name, group.Key, first.Bounds!, [.. group]);
            else
                Sample(name, group.Key, group.Sum(s => s.Value));
        }
    }

    /// <summary>A family of one series with neither instrument nor room: what the process says of itself.</summary>
    public void Single(string name, FamilyKind kind, double value, params KeyValuePair<string, object?>[] labels)
    {
        var sample = Header(name, kind, MetricReference.MeaningOf(name));
        Sample(sample, Labels(labels), value);
    }

    /// <summary>A gauge with one label, as <see cref="Single"/>.</summary>
    public void Gauge(string name, IEnumerable<(KeyValuePair<string, object?> Label, double Value)> values)
    {
        var sample = Header(name, FamilyKind.Gauge, MetricReference.MeaningOf(name));
        foreach (var (label, value) in values)
            Sample(sample, Labels([label]), value);
    }

    public override string ToString() => openMetrics ? _text + "# EOF\n" : _text.ToString();

    /// <returns>The name of the samples.</returns>
    private string Header(string name, FamilyKind kind, string help)
    {
        var family = Name(name);
        if (kind == FamilyKind.Counter && family.EndsWith("_total", StringComparison.Ordinal))
            family = family[..^"_total".Length];
        var sample = kind == FamilyKind.Counter ? family + "_total" : family;
        var declared = openMetrics ? family : sample;
        var text = help.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
        if (openMetrics)
            text = text.Replace("\"", "\\\"", StringComparison.Ordinal);
        if (text.Length > 0)
            _text.Append("# HELP ").Append(declared).Append(' ').Append(text).Append('\n');
        _text.Append("# TYPE ").Append(declared).Append(' ').Append(TypeName(kind)).Append('\n');
        return sample;
    }

    private void Histogram(string name, string labels, double[] bounds, Series[] series)
    {
        var buckets = new long[bounds.Length + 1];
        double sum = 0;
        foreach (var one in series)
        {
            var counts = one.Buckets();
            for (var i = 0; i < Math.Min(buckets.Length, counts.Length); i++)
                buckets[i] += counts[i];
            sum += one.Value;
        }

        long total = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            total += buckets[i];
            var bound = i < bounds.Length ? Number(bounds[i]) : "+Inf";
            var le = $"le=\"{(openMetrics && i < bounds.Length ? WithPoint(bound) : bound)}\"";
            Sample(name + "_bucket", labels.Length == 0 ? le : $"{labels},{le}", total);
        }

        Sample(name + "_sum", labels, sum);
        Sample(name + "_count", labels, total);
    }

    private void Sample(string name, string labels, double value)
    {
        _text.Append(name);
        if (labels.Length > 0)
            _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(KeyValuePair<string, object?>[] labels) => string.Join(',', labels
        .Select(l => $"{Name(l.Key)}=\"{Escape(Convert.ToString(l.Value, CultureInfo.InvariantCulture) ?? "")}\""));

    private static string Escape(string value) => value
        .Replace("\\", @"\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", @"\n", StringComparison.Ordinal);

    private static string Name(string name)
    {
        var clean = name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':')
            ? name
            : string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':' ? c : '_'));
        return clean.Length > 0 && char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }

    private static string TypeName(FamilyKind kind) => kind switch
    {
        FamilyKind.Counter => "counter",
        FamilyKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>OpenMetrics wants canonical floats in le: 1.0, not 1.</summary>
    private static string WithPoint(string number) =>
        number.Contains('.', StringComparison.Ordinal) ? number : number + ".0";
}
