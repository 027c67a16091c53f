using System.Collections.Frozen;
using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;

namespace Steadycast.Server.Api;

/// <summary>One file of the page as the build embedded it (Page.targets), ready to be sent.</summary>
/// <param name="ContentType">By its extension; only the kinds that the page's build makes.</param>
/// <param name="ETag">Quoted; from the content, so that it is the same on every process of a version.</param>
/// <param name="Gzip">Null where it saves nothing.</param>
internal sealed record PageFile(string ContentType, string ETag, byte[] Bytes, byte[]? Gzip)
{
    private const string Prefix = "page/";

    /// <summary>All files by their path: <c>index.html</c>, <c>assets/index-….js</c>; empty without a page.</summary>
    public static FrozenDictionary<string, PageFile> LoadAll()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Prefix.Length..], name => Load(assembly, name), StringComparer.Ordinal);
    }

    private static PageFile Load(Assembly assembly, string name)
    {
        using var resource = assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 12))}\"";
        return new PageFile(ContentTypeOf(name), tag, bytes, Compress(bytes));
    }

    private static byte[]? Compress(byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(bytes);
        return target.Length < bytes.Length * 9 / 10 ? target.ToArray() : null;
    }

    private static string ContentTypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
}
