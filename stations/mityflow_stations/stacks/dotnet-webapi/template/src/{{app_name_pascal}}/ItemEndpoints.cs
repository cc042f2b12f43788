using Microsoft.AspNetCore.Http.HttpResults;

namespace {{ app_name_pascal }};

/// <summary>Items: an example resource. Put a database behind the store to keep them.</summary>
public static class ItemEndpoints
{
    /// <summary>The routes of the items.</summary>
    public static void MapItems(this IEndpointRouteBuilder routes)
    {
        var items = routes.MapGroup("/items").WithTags("items");
        items.MapGet("/", List);
        items.MapPost("/", Add);
        items.MapGet("/{id:long}", Find);
        items.MapPut("/{id:long}", Replace);
        items.MapDelete("/{id:long}", Remove);
    }

    private static Ok<IReadOnlyList<Item>> List(ItemStore store)
    {
        return TypedResults.Ok(store.All());
    }

    private static Results<Created<Item>, ValidationProblem> Add(NewItem item, ItemStore store)
    {
        var problems = item.Problems();
        if (problems.Count > 0)
        {
            return TypedResults.ValidationProblem(problems);
        }

        var stored = store.Add(item);
        return TypedResults.Created($"/items/{stored.Id}", stored);
    }

    private static Results<Ok<Item>, NotFound> Find(long id, ItemStore store)
    {
        var item = store.Find(id);
        if (item is null)
        {
            return TypedResults.NotFound();
        }

        return TypedResults.Ok(item);
    }

    private static Results<Ok<Item>, NotFound, ValidationProblem> Replace(long id, NewItem item, ItemStore store)
    {
        var problems = item.Problems();
        if (problems.Count > 0)
        {
            return TypedResults.ValidationProblem(problems);
        }

        var stored = store.Replace(id, item);
        if (stored is null)
        {
            return TypedResults.NotFound();
        }

        return TypedResults.Ok(stored);
    }

    private static Results<NoContent, NotFound> Remove(long id, ItemStore store)
    {
        if (store.Remove(id))
        {
            return TypedResults.NoContent();
        }

        return TypedResults.NotFound();
    }
}
