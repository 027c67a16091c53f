using Microsoft.Extensions.Primitives;

namespace Steadycast.Streaming.Origin;

/// <summary>Comparison of entity tags in request headers (RFC 9110 sections 8.8.3 and 13.1).</summary>
internal static class EntityTag
{
    /// <summary>If-None-Match: a list, compared weakly; <c>*</c> matches anything.</summary>
    public static bool IsNoneMatchHit(StringValues header, string etag)
    {
        foreach (var line in header)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var tag = line.AsSpan(range).Trim();
                if (tag.StartsWith("W/", StringComparison.Ordinal))
                    tag = tag[2..];
                if (tag.SequenceEqual(etag) || tag is "*")
                    return true;
            }
        }

        return false;
    }

    /// <summary>If-Range: one tag, compared strongly; a date never matches, as segments carry none.</summary>
    public static bool IsRangeAllowed(StringValues header, string etag) =>
        header.Count == 0 || (header.Count == 1 && header[0].AsSpan().Trim().SequenceEqual(etag));
}
