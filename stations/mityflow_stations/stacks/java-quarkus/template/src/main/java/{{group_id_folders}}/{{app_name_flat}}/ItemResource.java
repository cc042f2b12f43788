package {{ group_id }}.{{ app_name_flat }};

import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.jboss.resteasy.reactive.RestResponse;
import org.jboss.resteasy.reactive.RestResponse.Status;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Items: an example resource. Put a database behind the store to keep them. */
@Path("/items")
public class ItemResource {

    private final ItemStore store;

    public ItemResource(ItemStore store) {
        this.store = store;
    }

    /** All items. */
    @GET
    public List<Item> list() {
        return store.all();
    }

    /** Adds an item. */
    @POST
    public RestResponse<Item> add(@NotNull @Valid NewItem content) {
        Item item = store.add(content);
        return RestResponse.ResponseBuilder.<Item>created(URI.create("/items/" + item.id()))
                .entity(item)
                .build();
    }

    /** One item. */
    @GET
    @Path("/{id}")
    public Item get(long id) {
        return found(store.get(id));
    }

    /** Changes an item. */
    @PUT
    @Path("/{id}")
    public Item replace(long id, @NotNull @Valid NewItem content) {
        return found(store.replace(id, content));
    }

    /** Removes an item. */
    @DELETE
    @Path("/{id}")
    public void remove(long id) {
        found(store.remove(id));
    }

    /** Tells what was not found. */
    @ServerExceptionMapper
    public RestResponse<Problem> notFound(NotFoundException error) {
        return RestResponse.status(Status.NOT_FOUND, new Problem(error.getMessage(), Status.NOT_FOUND.getStatusCode()));
    }

    private static Item found(Optional<Item> item) {
        return item.orElseThrow(() -> new NotFoundException("There is no such item."));
    }
}
