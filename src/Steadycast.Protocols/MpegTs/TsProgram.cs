namespace Steadycast.Protocols.MpegTs;

/// <summary>What a program map table says.</summary>
public sealed record TsProgram(int PcrPid, IReadOnlyList<TsProgramStream> Streams);

/// <param name="StreamType">See <see cref="TsStreamType"/>.</param>
public readonly record struct TsProgramStream(int Pid, byte StreamType);
