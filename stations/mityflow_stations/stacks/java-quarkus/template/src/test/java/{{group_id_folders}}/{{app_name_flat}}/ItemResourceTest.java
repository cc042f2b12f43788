package {{ group_id }}.{{ app_name_flat }};

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
class ItemResourceTest {

    private static final String APPLE = "{\"name\": \"apple\", \"quantity\": 3}";
    private static final String PEAR = "{\"name\": \"pear\", \"quantity\": 0}";

    private final HttpClient client = HttpClient.newHttpClient();

    @TestHTTPResource
    URI application;

    @Inject
    ItemStore store;

    @Inject
    ObjectMapper mapper;

    @BeforeEach
    void emptyTheStore() {
        store.all().forEach(item -> store.remove(item.id()));
    }

    @Test
    void thereAreNoItemsAtFirst() throws Exception {
        assertEquals("[]", get("/items").body());
    }

    @Test
    void anAddedItemCanBeFound() throws Exception {
        HttpResponse<String> added = send("POST", "/items", APPLE);

        Item apple = itemIn(added);
        assertEquals(new Item(apple.id(), "apple", 3), apple);
        assertEquals(201, added.statusCode());
        URI location = URI.create(added.headers().firstValue("Location").orElseThrow());
        assertEquals("/items/" + apple.id(), location.getPath());
        assertEquals(apple, itemIn(get(location.getPath())));
        assertEquals(List.of(apple), List.of(mapper.readValue(get("/items").body(), Item[].class)));
    }

    @Test
    void withoutAQuantityItIsOne() throws Exception {
        assertEquals(1, add("{\"name\": \"apple\"}").quantity());
    }

    @Test
    void aReplacedItemKeepsItsNumber() throws Exception {
        long id = add(APPLE).id();

        Item replaced = itemIn(send("PUT", "/items/" + id, PEAR));

        assertEquals(new Item(id, "pear", 0), replaced);
        assertEquals(replaced, itemIn(get("/items/" + id)));
    }

    @Test
    void aRemovedItemIsGoneAndItsNumberIsNotUsedAgain() throws Exception {
        long id = add(APPLE).id();

        assertEquals(204, send("DELETE", "/items/" + id, "").statusCode());

        assertEquals(404, get("/items/" + id).statusCode());
        assertEquals(id + 1, add(PEAR).id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "PUT", "DELETE"})
    void anUnknownItemIsNotFound(String method) throws Exception {
        HttpResponse<String> response = send(method, "/items/9999999", APPLE);

        assertEquals(404, response.statusCode());
        assertEquals(new Problem("There is no such item.", 404), mapper.readValue(response.body(), Problem.class));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"name\": \"\"}", "{\"name\": \"apple\", \"quantity\": -1}", "no JSON"})
    void aWrongItemIsRefused(String item) throws Exception {
        HttpResponse<String> response = send("POST", "/items", item);

        assertEquals(400, response.statusCode(), response::body);
    }

    @Test
    void aNameHasAtMostAHundredCharacters() throws Exception {
        assertEquals(
                201,
                send("POST", "/items", "{\"name\": \"" + "x".repeat(100) + "\"}")
                        .statusCode());
        assertEquals(
                400,
                send("POST", "/items", "{\"name\": \"" + "x".repeat(101) + "\"}")
                        .statusCode());
    }

    private Item add(String item) throws IOException, InterruptedException {
        return itemIn(send("POST", "/items", item));
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send("GET", path, "");
    }

    private HttpResponse<String> send(String method, String path, String item)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(application.resolve(path))
                .method(method, BodyPublishers.ofString(item))
                .header("Content-Type", "application/json")
                .build();
        return client.send(request, BodyHandlers.ofString());
    }

    private Item itemIn(HttpResponse<String> response) throws JsonProcessingException {
        return mapper.readValue(response.body(), Item.class);
    }
}
