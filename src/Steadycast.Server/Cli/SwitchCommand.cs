using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Steadycast.Server.Cli;

/// <summary>Asks a running switch to prefer an origin.</summary>
internal static class SwitchCommand
{
    private const string TokenVariable = "STEADYCAST_API_TOKEN";

    public static Command Create()
    {
        var stream = new Argument<string>("STREAM") { Description = "A stream of the switch: live/show." };
        var origin = new Argument<string>("ORIGIN") { Description = "One of its origins, by name." };
        var url = new Option<Uri>("--url")
        {
            Description = "Where the switch listens.",
            HelpName = "URL",
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var parsed)
                    && parsed.Scheme is "http" or "https")
                    return parsed;
                result.AddError($"{result.Tokens[0].Value} is not an http or https address.");
                return null;
            },
        };
        var json = new Option<bool>("--json") { Description = "One JSON object: the stream as the switch sees it." };
        var pin = new Command("pin", "Prefer an origin to all others until it is released; active at once if healthy.")
        {
            stream, origin, url, json,
        };
        pin.SetAction(parsed => RunAsync(
            parsed.GetRequiredValue(url), parsed.GetRequiredValue(stream), parsed.GetRequiredValue(origin),
            parsed.GetValue(json)));
        var release = new Command("release", "Prefer origins in their usual order again.") { stream, url, json };
        release.SetAction(parsed => RunAsync(
            parsed.GetRequiredValue(url), parsed.GetRequiredValue(stream), origin: null, parsed.GetValue(json)));
        return new Command("switch", "Tell a running switch which origin to prefer.") { pin, release };
    }

    /// <param name="origin">Null: release.</param>
    private static async Task<int> RunAsync(Uri url, string stream, string? origin, bool json)
    {
        using var stop = new StopSignal();
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        var path = string.Join('/', stream.Split('/').Select(Uri.EscapeDataString));
        using var request = new HttpRequestMessage(
            origin is null ? HttpMethod.Delete : HttpMethod.Post, new Uri(url, $"/api/switch/{path}/pin"));
        if (origin is not null)
            request.Content = new StringContent(
                JsonSerializer.Serialize(new { origin }), MediaTypeHeaderValue.Parse("application/json"));
        // Not as an option: the list of processes is for everybody to read.
        if (Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            using var response = await http.SendAsync(request, stop.Token);
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(stop.Token);
            if (!response.IsSuccessStatusCode)
            {
                Terminal.Fault($"{url} refused: {TextOf(answer, "detail") ?? response.ReasonPhrase}");
                return ExitCode.No;
            }

            var active = TextOf(answer, "active_origin") ?? "none";
            Console.WriteLine(json
                ? answer.GetRawText()
                : origin is null
                    ? $"{stream}: released; {active} is active"
                    : $"{stream}: {origin} is pinned; {active} is active"
                        + (active == origin ? "" : $", until {origin} is healthy"));
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException)
        {
            Terminal.Fault($"{url} gave no answer that can be read: {e.Message}");
            return ExitCode.No;
        }
    }

    private static string? TextOf(JsonElement answer, string name) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
