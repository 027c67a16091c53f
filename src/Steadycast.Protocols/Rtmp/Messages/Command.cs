using System.Collections.Immutable;
using Steadycast.Protocols.Amf;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>One command: a remote call (7.2.1) or its answer.</summary>
/// <param name="Object">The command object; Null for most.</param>
internal sealed record Command(
    string Name,
    double Transaction,
    Amf0Value Object,
    ImmutableArray<Amf0Value> Arguments,
    uint StreamId)
{
    public Amf0Value Argument(int index) => index < Arguments.Length ? Arguments[index] : Amf0Value.Undefined;

    /// <exception cref="Amf0FormatException">Not a command.</exception>
    public static Command Read(in RtmpMessage message)
    {
        ReadOnlySpan<byte> payload = message.Payload.Span;
        // Commands of type 17 are AMF 0 behind one byte 0: every sender switches to AMF 3 by value, if at all.
        if (message.Type == RtmpMessageType.CommandAmf3 && !payload.IsEmpty && payload[0] == 0)
            payload = payload[1..];

        var reader = new Amf0Reader(payload);
        string name = reader.ReadString();
        // Some encoders leave the transaction out of calls that want no answer.
        double transaction = reader.AtEnd ? 0 : reader.ReadNumber();
        Amf0Value commandObject = reader.AtEnd ? Amf0Value.Null : reader.ReadValue();
        var arguments = ImmutableArray.CreateBuilder<Amf0Value>();
        while (!reader.AtEnd)
            arguments.Add(reader.ReadValue());
        return new Command(name, transaction, commandObject, arguments.DrainToImmutable(), message.StreamId);
    }
}
