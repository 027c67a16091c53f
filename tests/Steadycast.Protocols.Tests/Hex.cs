namespace Steadycast.Protocols.Tests;

/// <summary>Bytes of test tables, written in hexadecimal with spaces where the layout has its fields.</summary>
internal static class Hex
{
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", ""));
}
