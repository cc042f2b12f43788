namespace {{ app_name_pascal }};

/// <summary>Items by number, kept in memory. Numbers are never used again.</summary>
public sealed class ItemStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, Item> _items = new();
    private long _lastId;

    /// <summary>Every item, the oldest first.</summary>
    public IReadOnlyList<Item> All()
    {
        lock (_lock)
        {
            return _items.Values.ToList();
        }
    }

    /// <summary>The item of this number, if there is one.</summary>
    public Item? Find(long id)
    {
        lock (_lock)
        {
            return _items.TryGetValue(id, out var item) ? item : null;
        }
    }

    /// <summary>Stores a new item under the next number.</summary>
    public Item Add(NewItem item)
    {
        lock (_lock)
        {
            _lastId++;
            return Put(_lastId, item);
        }
    }

    /// <summary>Stores new content under a number that is in use.</summary>
    public Item? Replace(long id, NewItem item)
    {
        lock (_lock)
        {
            return _items.ContainsKey(id) ? Put(id, item) : null;
        }
    }

    /// <summary>Forgets an item; false when there was none.</summary>
    public bool Remove(long id)
    {
        lock (_lock)
        {
            return _items.Remove(id);
        }
    }

    private Item Put(long id, NewItem item)
    {
        var stored = new Item(id, item.Name ?? "", item.Quantity);
        _items[id] = stored;
        return stored;
    }
}
