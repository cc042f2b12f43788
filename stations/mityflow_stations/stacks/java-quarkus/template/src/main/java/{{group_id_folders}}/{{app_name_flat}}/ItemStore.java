package {{ group_id }}.{{ app_name_flat }};

import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/** Items by number, kept in memory. Numbers are never used again. */
@ApplicationScoped
public class ItemStore {

    private final Map<Long, Item> items = new ConcurrentSkipListMap<>();
    private final AtomicLong lastId = new AtomicLong();

    /** Every item, the oldest first. */
    public List<Item> all() {
        return List.copyOf(items.values());
    }

    /** The item of this number, if there is one. */
    public Optional<Item> get(long id) {
        return Optional.ofNullable(items.get(id));
    }

    /** Stores a new item under the next number. */
    public Item add(NewItem content) {
        Item item = new Item(lastId.incrementAndGet(), content.name(), content.quantity());
        items.put(item.id(), item);
        return item;
    }

    /** Stores new content under a number that is in use. */
    public Optional<Item> replace(long id, NewItem content) {
        Item item = new Item(id, content.name(), content.quantity());
        return Optional.ofNullable(items.computeIfPresent(id, (number, old) -> item));
    }

    /** Forgets an item. */
    public Optional<Item> remove(long id) {
        return Optional.ofNullable(items.remove(id));
    }
}
