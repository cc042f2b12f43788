using System.Net;
using System.Net.Http.Json;
using Xunit;

namespace {{ app_name_pascal }}.Tests;

public sealed class HealthTests : Client
{
    [Fact]
    public async Task HealthAnswersOkAndTheVersion()
    {
        var health = await Http.GetFromJsonAsync<Health>("{{ health_path }}");

        Assert.Equal(new Health("ok", "0.1.0"), health);
    }

    [Fact]
    public async Task TheDescriptionOfTheApiIsServed()
    {
        using var answer = await Http.GetAsync("/openapi/v1.json");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("/items", await answer.Content.ReadAsStringAsync());
    }
}
