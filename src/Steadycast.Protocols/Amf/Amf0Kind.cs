namespace Steadycast.Protocols.Amf;

/// <summary>The type markers of AMF 0 (specification of 2007, section 2.1) that have a value here.</summary>
public enum Amf0Kind : byte
{
    Number = 0x00,
    Boolean = 0x01,
    String = 0x02,
    Object = 0x03,
    Null = 0x05,
    Undefined = 0x06,
    Reference = 0x07,
    EcmaArray = 0x08,
    StrictArray = 0x0A,
    Date = 0x0B,
    Unsupported = 0x0D,
    Xml = 0x0F,
    TypedObject = 0x10,
}

/// <summary>The markers that are an encoding or an end, not a kind of value.</summary>
internal static class Amf0Marker
{
    public const byte MovieClip = 0x04;
    public const byte ObjectEnd = 0x09;
    public const byte LongString = 0x0C;
    public const byte RecordSet = 0x0E;
    public const byte AvmPlus = 0x11;
}
