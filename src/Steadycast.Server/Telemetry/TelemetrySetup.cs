using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Console;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Telemetry;

/// <summary>Logging and meters of one process, made once and shared by all of its roles and HTTP listeners.</summary>
internal static class TelemetrySetup
{
    /// <summary>
    /// Adds loggers as the <c>log</c> section asks, meters, and the store that <c>/metrics</c> reads.
    /// </summary>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, LogOptions options)
    {
        var format = options.Format ?? (Console.IsOutputRedirected ? LogFormat.Json : LogFormat.Text);
        var colour = !Console.IsOutputRedirected
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new LogLineOptions(format, colour));
        services.AddLogging(logging =>
        {
            logging.SetMinimumLevel(Level(options.Level));
            // The framework's own chatter is of no use below a warning unless everything is asked for.
            if (options.Level > LogVerbosity.Debug)
            {
                logging.AddFilter("Microsoft", LogLevel.Warning);
                logging.AddFilter("System", LogLevel.Warning);
            }

            logging.AddConsole(console => console.FormatterName = LogLineFormatter.FormatterName);
        });
        services.AddSingleton<ConsoleFormatter, LogLineFormatter>();
        services.AddMetrics();
        services.AddSingleton(provider => new MetricStore(provider.GetRequiredService<IMeterFactory>()));
        return services;
    }

    private static LogLevel Level(LogVerbosity verbosity) => verbosity switch
    {
        LogVerbosity.Trace => LogLevel.Trace,
        LogVerbosity.Debug => LogLevel.Debug,
        LogVerbosity.Warning => LogLevel.Warning,
        LogVerbosity.Error => LogLevel.Error,
        _ => LogLevel.Information,
    };
}
