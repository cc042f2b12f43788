using System.Net;
using System.Net.Http.Json;
using System.Text;
using Xunit;

namespace {{ app_name_pascal }}.Tests;

public sealed class ItemTests : Client
{
    [Fact]
    public async Task ThereAreNoItemsAtFirst()
    {
        Assert.Empty(await All());
    }

    [Fact]
    public async Task AnAddedItemCanBeFound()
    {
        using var added = await Add("apple", 3);

        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        var item = new Item(1, "apple", 3);
        Assert.Equal(item, await added.Content.ReadFromJsonAsync<Item>());
        Assert.Equal(item, await Http.GetFromJsonAsync<Item>(added.Headers.Location));
        Assert.Equal(item, Assert.Single(await All()));
    }

    [Fact]
    public async Task AQuantityThatIsNotGivenIsOne()
    {
        using var added = await Http.PostAsJsonAsync("/items", new { name = "apple" });

        Assert.Equal(new Item(1, "apple", 1), await added.Content.ReadFromJsonAsync<Item>());
    }

    [Fact]
    public async Task AReplacedItemKeepsItsNumber()
    {
        using var added = await Add("apple", 1);

        using var replaced = await Http.PutAsJsonAsync("/items/1", new { name = "pear", quantity = 0 });

        var item = new Item(1, "pear", 0);
        Assert.Equal(item, await replaced.Content.ReadFromJsonAsync<Item>());
        Assert.Equal(item, await Http.GetFromJsonAsync<Item>("/items/1"));
    }

    [Fact]
    public async Task ARemovedItemIsGoneAndItsNumberIsNotUsedAgain()
    {
        using var added = await Add("apple", 1);

        using var removed = await Http.DeleteAsync("/items/1");

        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using var found = await Http.GetAsync("/items/1");
        Assert.Equal(HttpStatusCode.NotFound, found.StatusCode);
        using var next = await Add("pear", 1);
        Assert.Equal(new Item(2, "pear", 1), await next.Content.ReadFromJsonAsync<Item>());
    }

    [Fact]
    public async Task AnUnknownItemIsNotFound()
    {
        using var found = await Http.GetAsync("/items/7");
        using var replaced = await Http.PutAsJsonAsync("/items/7", new { name = "apple" });
        using var removed = await Http.DeleteAsync("/items/7");

        Assert.Equal(HttpStatusCode.NotFound, found.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, replaced.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, removed.StatusCode);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"name\": \"\"}")]
    [InlineData("{\"name\": \"apple\", \"quantity\": -1}")]
    public async Task AWrongItemIsRefused(string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");

        using var answer = await Http.PostAsync("/items", content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Empty(await All());
    }

    [Fact]
    public async Task ANameThatIsTooLongIsRefused()
    {
        using var added = await Add(new string('x', 100), 1);
        using var refused = await Add(new string('x', 101), 1);

        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    private Task<HttpResponseMessage> Add(string name, int quantity)
    {
        return Http.PostAsJsonAsync("/items", new { name, quantity });
    }

    private async Task<Item[]> All()
    {
        var items = await Http.GetFromJsonAsync<Item[]>("/items");
        return items ?? Array.Empty<Item>();
    }
}
