using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steadycast.Server.Configuration;
using Steadycast.Server.Hosting;
using Steadycast.Server.Telemetry;
using Steadycast.Streaming.Roles;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Hosting;

public sealed class RoleHostTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<string> _diary = [];
    private readonly ManualTime _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new();
    private readonly ServiceProvider _services = new ServiceCollection()
        .AddTelemetry(new LogOptions { Level = LogVerbosity.Error })
        .BuildServiceProvider();

    private RoleHost? _host;
    private Task _running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Patience);
        if (_host is not null)
            await _host.DisposeAsync();
        await _services.DisposeAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Roles_on_the_very_same_address_share_it()
    {
        await StartAsync(Role("a"), Role("b"));

        var url = Assert.Single(_host!.Urls);
        Assert.Equal("I am a", await _http.GetStringAsync(url + "/a"));
        Assert.Equal("I am b", await _http.GetStringAsync(url + "/b"));
    }

    [Fact]
    public async Task Every_address_answers_for_the_whole_process()
    {
        await StartAsync(Role("a"), new FakeRole("b", _diary) { HttpAddress = "127.0.0.2:0" });

        Assert.Equal(2, _host!.Urls.Count);
        foreach (var url in _host.Urls)
        {
            var health = JsonDocument.Parse(await _http.GetStringAsync(url + "/healthz")).RootElement;
            Assert.Equal("[\"a\",\"b\"]", health.GetProperty("roles").GetRawText());
            Assert.Equal(
                (2, 2), (health.GetProperty("a_streams").GetInt32(), health.GetProperty("b_streams").GetInt32()));
        }
    }

    [Fact]
    public async Task Readiness_is_the_truth_with_reasons()
    {
        var role = Role("a");
        await StartAsync(role);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/readyz")).StatusCode);

        role.Reasons.Add("No origin answers.");

        var answer = await GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal("a: No origin answers.", problem.GetProperty("reasons")[0].GetString());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await GetAsync("/healthz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/livez")).StatusCode);
    }

    [Theory]
    [InlineData(null, "text/plain")]
    [InlineData("application/openmetrics-text; version=1.0.0", "application/openmetrics-text")]
    public async Task Metrics_come_in_the_form_that_was_asked_for(string? accept, string expected)
    {
        await StartAsync(Role("a"));
        using var request = new HttpRequestMessage(HttpMethod.Get, _host!.Urls[0] + "/metrics");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);

        var answer = await _http.SendAsync(request);

        Assert.Equal(expected, answer.Content.Headers.ContentType!.MediaType);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("\nsteadycast_role_ready{role=\"a\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nprocess_start_time_seconds ", text, StringComparison.Ordinal);
        Assert.Contains("\nsteadycast_build_info{", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/none", HttpStatusCode.NotFound)]
    [InlineData("/a/broken", HttpStatusCode.InternalServerError)]
    public async Task Errors_are_problem_details_without_our_insides(string path, HttpStatusCode expected)
    {
        await StartAsync(Role("a"));

        var answer = await GetAsync(path);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain("secret", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roles_start_and_stop_in_the_order_of_the_journey()
    {
        await StartAsync(Role("a"), Role("b"));

        await StopAsync();

        Assert.Equal(["start a", "start b", "stop a", "stop b"], _diary);
    }

    [Fact]
    public async Task A_role_that_hangs_at_stop_is_cut_and_the_others_still_stop()
    {
        await StartAsync(new FakeRole("a", _diary) { HangsAtStop = true }, Role("b"));
        await _stop.CancelAsync();
        while (!DiaryHas("stop a"))
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        Assert.False(DiaryHas("stop b"));
        Assert.Contains("Stopping.", _host!.Reasons());

        _time.Advance(TimeSpan.FromSeconds(6));

        await _running.WaitAsync(Patience);
        Assert.True(DiaryHas("stop b"));
    }

    [Fact]
    public async Task A_role_that_cannot_start_is_one_line_and_the_others_are_stopped_again()
    {
        Create(Role("a"), new FakeRole("b", _diary) { StartFault = new IOException("disk gone") });

        var fault = await Assert.ThrowsAsync<StartException>(() => _host!.RunAsync(_stop.Token).WaitAsync(Patience));

        Assert.Equal("b cannot start: disk gone", fault.Message);
        Assert.Contains("stop a", _diary);
    }

    private FakeRole Role(string name) => new(name, _diary);

    private void Create(params IRole[] roles) =>
        _host = new RoleHost(roles, _services, _time, _services.GetRequiredService<ILogger<RoleHost>>());

    private async Task StartAsync(params IRole[] roles)
    {
        Create(roles);
        _running = _host!.RunAsync(_stop.Token);
        while (_host.Reasons().Contains("Starting.") && !_running.IsCompleted)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        if (_running.IsCompleted)
            await _running;
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
    }

    private Task<HttpResponseMessage> GetAsync(string path) => _http.GetAsync(_host!.Urls[0] + path);

    private bool DiaryHas(string line)
    {
        lock (_diary)
            return _diary.Contains(line);
    }
}
