namespace Steadycast.Streaming.Origin;

/// <summary>One object of one stream: a segment or an initialisation section.</summary>
internal readonly record struct ObjectKey(string Stream, string Name);
