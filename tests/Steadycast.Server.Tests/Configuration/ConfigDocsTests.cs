using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Tests.Configuration;

/// <summary>
/// Schema, reference page and examples say what the program does. STEADYCAST_UPDATE=1 rewrites the first two.
/// </summary>
public sealed class ConfigDocsTests
{
    private const string Marker = "<!-- What follows is made from the options records by ConfigDocsTests. -->\n\n";

    public static TheoryData<string> Examples =>
    [
        .. Directory.GetFiles(Path.Combine(Checkout.Root, "config"), "*.yaml")
            .Select(f => Path.GetRelativePath(Checkout.Root, f))
            .Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void The_schema_is_what_the_program_reads() =>
        Checkout.AssertFileIs("config/steadycast.schema.json", ConfigSchema.Text());

    [Fact]
    public void The_reference_page_has_every_option()
    {
        const string path = "docs/4-reference/configuration.md";
        var page = File.ReadAllText(Path.Combine(Checkout.Root, path)).ReplaceLineEndings("\n");
        var at = page.IndexOf(Marker, StringComparison.Ordinal);
        Assert.True(at > 0, "The page has lost its marker.");

        Checkout.AssertFileIs(path, page[..at] + Marker + ConfigReference.Tables());
    }

    [Fact]
    public void Every_option_is_documented() =>
        Assert.Empty(Undocumented(typeof(SteadycastOptions)));

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_example_passes_check(string file)
    {
        var folder = Directory.CreateTempSubdirectory("steadycast-config-").FullName;
        try
        {
            WriteCertificate(folder);
            File.WriteAllText(Path.Combine(folder, "key"), "secret\n");
            // What the examples' comments tell the reader to set.
            var environment = new Dictionary<string, string>
            {
                ["STREAM_KEY"] = "secret",
                ["STREAM_KEY_FILE"] = Path.Combine(folder, "key"),
                ["TLS_CERT_FILE"] = Path.Combine(folder, "cert.pem"),
                ["TLS_KEY_FILE"] = Path.Combine(folder, "key.pem"),
            };

            var result = ConfigLoader.Load(Path.Combine(Checkout.Root, file), environment, []);

            Assert.Empty(result.Faults.Select(f => f.ToString()));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void WriteCertificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var from = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using var certificate = request.CreateSelfSigned(from, from.AddYears(30));
        File.WriteAllText(Path.Combine(folder, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }

    private static IEnumerable<string> Undocumented(Type type)
    {
        foreach (var property in OptionsShape.Of(type).Properties)
        {
            if (OptionsDoc.Of(property).Length == 0)
                yield return $"{type.Name}.{property.Info.Name}";
            var nested = property.Kind == ValueKind.Section ? property.Type : property.ElementType;
            if (nested is null || ValueKinds.Of(nested, property.Key) != ValueKind.Section)
                continue;
            foreach (var inner in Undocumented(nested))
                yield return inner;
        }
    }
}
