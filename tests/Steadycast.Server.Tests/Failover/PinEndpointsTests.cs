using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Steadycast.Server.Tests.Failover;

/// <summary>An operator prefers an origin, over HTTP: who may, and what comes of it.</summary>
public sealed class PinEndpointsTests
{
    private const string Path = "/api/switch/live/show/pin";
    private const string Token = "0123456789abcdef";

    [Fact]
    public async Task A_pinned_origin_is_active_until_it_is_released()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");

        JsonElement pinned = await SendAsync(stage, HttpMethod.Post, """{"origin":"backup"}""");
        Assert.Equal("backup", pinned.GetProperty("pinned_origin").GetString());
        Assert.Equal("backup", pinned.GetProperty("active_origin").GetString());
        await stage.AdvanceAsync();
        Assert.Equal(0, stage.Reader.Gaps);

        JsonElement released = await SendAsync(stage, HttpMethod.Delete);
        Assert.Equal(JsonValueKind.Null, released.GetProperty("pinned_origin").ValueKind);
        await stage.UntilActiveIsAsync("primary");
        await stage.AdvanceAsync();
    }

    [Fact]
    public async Task A_pin_survives_a_restart_of_the_switch_and_so_does_a_release()
    {
        string state = Directory.CreateTempSubdirectory("steadycast-pins-").FullName;
        await using (Stage stage = await Stage.OpenAsync(state))
        {
            await stage.UntilActiveIsAsync("primary");
            await SendAsync(stage, HttpMethod.Post, """{"origin":"backup"}""");

            await stage.RestartSwitchAsync();
            await stage.UntilActiveIsAsync("backup");
            await stage.AdvanceAsync();
            Assert.Equal("backup", stage.ActiveOrigin);

            await SendAsync(stage, HttpMethod.Delete);
            await stage.RestartSwitchAsync();
            await stage.UntilActiveIsAsync("primary");
        }

        Directory.Delete(state, recursive: true);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[1]")]
    [InlineData("""{"live/show":"an origin that is gone"}""")]
    public async Task A_file_of_pins_that_says_nothing_is_no_obstacle(string pins)
    {
        string state = Directory.CreateTempSubdirectory("steadycast-pins-").FullName;
        await File.WriteAllTextAsync(
            System.IO.Path.Combine(state, "pins.json"), pins, TestContext.Current.CancellationToken);
        await using (Stage stage = await Stage.OpenAsync(state))
        {
            await stage.UntilActiveIsAsync("primary");
            JsonElement pinned = await SendAsync(stage, HttpMethod.Post, """{"origin":"backup"}""");
            Assert.Equal("backup", pinned.GetProperty("active_origin").GetString());
        }

        Directory.Delete(state, recursive: true);
    }

    [Theory]
    [InlineData(Path, """{"origin":"nobody"}""", "application/json", HttpStatusCode.NotFound)]
    [InlineData("/api/switch/other/pin", """{"origin":"backup"}""", "application/json", HttpStatusCode.NotFound)]
    [InlineData("/api/switch/live/show", """{"origin":"backup"}""", "application/json", HttpStatusCode.NotFound)]
    [InlineData(Path, """{"origin":"backup"}""", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(Path, """{"origin":7}""", "application/json", HttpStatusCode.BadRequest)]
    [InlineData(Path, "[]", "application/json", HttpStatusCode.BadRequest)]
    [InlineData(Path, "{", "application/json", HttpStatusCode.BadRequest)]
    public async Task What_is_not_understood_changes_nothing(
        string path, string body, string type, HttpStatusCode expected)
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");
        using var content = new StringContent(body, MediaTypeHeaderValue.Parse(type));

        using HttpResponseMessage answer =
            await stage.Http.PostAsync(path, content, TestContext.Current.CancellationToken);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("primary", stage.ActiveOrigin);
    }

    [Theory]
    [InlineData("X-Forwarded-For")]
    [InlineData("Forwarded")]
    public async Task Without_a_token_a_proxy_on_this_machine_is_not_this_machine(string header)
    {
        await using Stage stage = await Stage.OpenAsync();
        using var request = new HttpRequestMessage(HttpMethod.Delete, Path);
        request.Headers.TryAddWithoutValidation(header, "192.0.2.1");

        using HttpResponseMessage answer =
            await stage.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer wrong", HttpStatusCode.Unauthorized)]
    [InlineData("Basic " + Token, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer " + Token, HttpStatusCode.OK)]
    public async Task With_a_token_only_the_token_counts(string? authorization, HttpStatusCode expected)
    {
        await using Stage stage = await Stage.OpenAsync(apiToken: Token);
        using var request = new HttpRequestMessage(HttpMethod.Delete, Path);
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);

        using HttpResponseMessage answer =
            await stage.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(expected, answer.StatusCode);
    }

    private static async Task<JsonElement> SendAsync(Stage stage, HttpMethod method, string? body = null)
    {
        using var request = new HttpRequestMessage(method, Path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer =
            await stage.Http.SendAsync(request, TestContext.Current.CancellationToken);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }
}
