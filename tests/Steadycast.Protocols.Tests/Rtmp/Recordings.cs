namespace Steadycast.Protocols.Tests.Rtmp;

/// <summary>What real clients sent; Corpora/rtmp/PROVENANCE.md says how each was taken.</summary>
internal static class Recordings
{
    public static byte[] Read(string name) =>
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Corpora", "rtmp", name));
}
