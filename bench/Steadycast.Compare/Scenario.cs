namespace Steadycast.Compare;

/// <summary>A load: so many publishers, each of a stream of its own, and players of the first.</summary>
internal sealed record Scenario(string Name, int Publishers, int Players, int ChunkSize);

/// <summary>What one run showed.</summary>
/// <param name="UserPerGbit">CPU-seconds of the server per Gbit that players received, or else publishers sent.</param>
/// <param name="SystemPerGbit">The same, in the kernel.</param>
/// <param name="Delivered">What players received of what they should have, or publishers sent; 1 is all.</param>
/// <param name="RssMegabytes">Resident memory of the server at the end.</param>
/// <param name="JoinSeconds">Median, from dialling to the first byte of a keyframe; NaN without players.</param>
internal sealed record Result(
    double UserPerGbit, double SystemPerGbit, double Delivered, double RssMegabytes, double JoinSeconds)
{
    public double CpuPerGbit => UserPerGbit + SystemPerGbit;
}
