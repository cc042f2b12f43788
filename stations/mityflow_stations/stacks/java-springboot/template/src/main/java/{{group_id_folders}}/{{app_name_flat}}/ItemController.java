package {{ group_id }}.{{ app_name_flat }};

import jakarta.validation.Valid;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Items: an example resource. Put a database behind the store to keep them. */
@RestController
@RequestMapping("/items")
public class ItemController {

    private final ItemStore store;

    public ItemController(ItemStore store) {
        this.store = store;
    }

    /** All items. */
    @GetMapping
    public List<Item> list() {
        return store.all();
    }

    /** Adds an item. */
    @PostMapping
    public ResponseEntity<Item> add(@Valid @RequestBody NewItem content) {
        Item item = store.add(content);
        return ResponseEntity.created(URI.create("/items/" + item.id())).body(item);
    }

    /** One item. */
    @GetMapping("/{id}")
    public Item get(@PathVariable long id) {
        return found(store.get(id));
    }

    /** Changes an item. */
    @PutMapping("/{id}")
    public Item replace(@PathVariable long id, @Valid @RequestBody NewItem content) {
        return found(store.replace(id, content));
    }

    /** Removes an item. */
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    public void remove(@PathVariable long id) {
        found(store.remove(id));
    }

    private static Item found(Optional<Item> item) {
        return item.orElseThrow(() -> new ResponseStatusException(HttpStatus.NOT_FOUND, "There is no such item."));
    }
}
