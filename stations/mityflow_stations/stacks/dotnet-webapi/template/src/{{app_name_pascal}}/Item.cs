namespace {{ app_name_pascal }};

/// <summary>An item that is stored.</summary>
public sealed record Item(long Id, string Name, int Quantity);

/// <summary>What a client sends.</summary>
public sealed record NewItem(string? Name, int Quantity = 1)
{
    private const int LongestName = 100;

    /// <summary>What is wrong with it, by the names of its fields.</summary>
    public Dictionary<string, string[]> Problems()
    {
        var problems = new Dictionary<string, string[]>();
        if (string.IsNullOrEmpty(Name) || Name.Length > LongestName)
        {
            problems["name"] = new[] { "The name must have 1 to 100 characters." };
        }

        if (Quantity < 0)
        {
            problems["quantity"] = new[] { "The quantity must not be negative." };
        }

        return problems;
    }
}
