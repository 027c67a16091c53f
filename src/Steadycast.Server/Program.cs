// One executable, many commands; the longest of them, `serve`, is the journey of a packet:
//
//   Cli/CommandLine            the commands
//   Cli/ServeCommand           reads the file, tries the ports, runs the roles until told to stop
//   Configuration/             file, environment and flags -> options
//   Telemetry/                 log lines and /metrics
//   Hosting/RoleSet            options -> roles: ingest, packager, origin, switch (Steadycast.Streaming)
//   Hosting/RoleHost           roles and their HTTP addresses up, and down again in phases
//   Lab/                       the same executable, once per box, supervised
return await Steadycast.Server.Cli.CommandLine.RunAsync(args);
