namespace Steadycast.Server.Faults;

/// <summary>Takes the lines of the supervisor and puts the fault that they name where it belongs.</summary>
/// <remarks><see cref="Tell"/> is called from one thread; everything else may ask from any.</remarks>
internal sealed partial class FaultDoor(SteppedTime time, FeedCut feed, ILogger<FaultDoor> log)
{
    private volatile Fault _current = new(FaultKind.None);

    /// <summary>What answers are to do wrong now.</summary>
    public Fault Current => _current;

    public void Tell(string line)
    {
        if (Fault.Parse(line) is not { } fault)
        {
            LogNonsense(line);
            return;
        }

        try
        {
            FullDisk.Set(fault.Kind == FaultKind.FullDisk);
        }
        catch (IOException e)
        {
            LogFailed(line, e.Message);
            return;
        }

        feed.Set(fault.Kind == FaultKind.CutFeed);
        time.Set(TimeSpan.FromSeconds(fault.Kind == FaultKind.Clock ? fault.Value : 0));
        _current = fault;
        LogFault(line);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A drill's fault from now on: {Fault}")]
    private partial void LogFault(string fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Line} is not a fault")]
    private partial void LogNonsense(string line);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The fault {Fault} cannot be made here: {Reason}")]
    private partial void LogFailed(string fault, string reason);
}

internal static class FaultSetup
{
    /// <summary>Makes the door, and the process's clock one that it can step.</summary>
    public static IServiceCollection AddFaults(this IServiceCollection services) => services
        .AddSingleton<SteppedTime>()
        .AddSingleton<TimeProvider>(provider => provider.GetRequiredService<SteppedTime>())
        .AddSingleton<FeedCut>()
        .AddSingleton<FaultDoor>();
}
