namespace Steadycast.Server.Lab;

/// <summary>What the operator asked for.</summary>
/// <param name="Folder">Where everything of this lab is kept.</param>
/// <param name="PortOffset">Added to every port, so that labs live side by side.</param>
/// <param name="WithPublisher">Whether the built-in picture is put on air.</param>
/// <param name="Lan">Whether RTMP and the switch are open to the network; loopback only otherwise.</param>
/// <param name="Source">What there are two of before the packagers.</param>
internal sealed record LabSettings(
    string Folder, int PortOffset, bool WithPublisher, bool Lan, LabSource Source = LabSource.Single);
