package {{ group_id }}.{{ app_name_flat }};

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.webmvc.test.autoconfigure.AutoConfigureMockMvc;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import org.springframework.test.web.servlet.assertj.MvcTestResult;

@SpringBootTest
@AutoConfigureMockMvc
class ItemControllerTest {

    private static final String APPLE = "{\"name\": \"apple\", \"quantity\": 3}";
    private static final String PEAR = "{\"name\": \"pear\", \"quantity\": 0}";

    @Autowired
    private MockMvcTester application;

    @BeforeEach
    void emptyTheStore(@Autowired ItemStore store) {
        store.all().forEach(item -> store.remove(item.id()));
    }

    @Test
    void thereAreNoItemsAtFirst() {
        assertThat(get("/items")).hasStatusOk().bodyJson().isStrictlyEqualTo("[]");
    }

    @Test
    void anAddedItemCanBeFound() {
        MvcTestResult added = send("POST", "/items", APPLE);

        Item apple = itemIn(added);
        assertThat(apple).isEqualTo(new Item(apple.id(), "apple", 3));
        assertThat(added).hasStatus(HttpStatus.CREATED).hasHeader("Location", "/items/" + apple.id());
        assertThat(itemIn(get("/items/" + apple.id()))).isEqualTo(apple);
        assertThat(get("/items")).bodyJson().convertTo(Item[].class).isEqualTo(new Item[] {apple});
    }

    @Test
    void withoutAQuantityItIsOne() {
        assertThat(add("{\"name\": \"apple\"}").quantity()).isEqualTo(1);
    }

    @Test
    void aReplacedItemKeepsItsNumber() {
        long id = add(APPLE).id();

        Item replaced = itemIn(send("PUT", "/items/" + id, PEAR));

        assertThat(replaced).isEqualTo(new Item(id, "pear", 0));
        assertThat(itemIn(get("/items/" + id))).isEqualTo(replaced);
    }

    @Test
    void aRemovedItemIsGoneAndItsNumberIsNotUsedAgain() {
        long id = add(APPLE).id();

        assertThat(send("DELETE", "/items/" + id, "")).hasStatus(HttpStatus.NO_CONTENT);

        assertThat(get("/items/" + id)).hasStatus(HttpStatus.NOT_FOUND);
        assertThat(add(PEAR).id()).isEqualTo(id + 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "PUT", "DELETE"})
    void anUnknownItemIsNotFound(String method) {
        assertThat(send(method, "/items/9999999", APPLE))
                .hasStatus(HttpStatus.NOT_FOUND)
                .hasContentType(MediaType.APPLICATION_PROBLEM_JSON)
                .bodyJson()
                .extractingPath("detail")
                .isEqualTo("There is no such item.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"name\": \"\"}", "{\"name\": \"apple\", \"quantity\": -1}", "no JSON"})
    void aWrongItemIsRefused(String item) {
        assertThat(send("POST", "/items", item))
                .hasStatus(HttpStatus.BAD_REQUEST)
                .hasContentType(MediaType.APPLICATION_PROBLEM_JSON);
    }

    @Test
    void aNameHasAtMostAHundredCharacters() {
        assertThat(send("POST", "/items", "{\"name\": \"" + "x".repeat(100) + "\"}"))
                .hasStatus(HttpStatus.CREATED);
        assertThat(send("POST", "/items", "{\"name\": \"" + "x".repeat(101) + "\"}"))
                .hasStatus(HttpStatus.BAD_REQUEST);
    }

    private Item add(String item) {
        return itemIn(send("POST", "/items", item));
    }

    private MvcTestResult get(String path) {
        return application.get().uri(path).exchange();
    }

    private MvcTestResult send(String method, String path, String item) {
        return application
                .method(HttpMethod.valueOf(method))
                .uri(path)
                .contentType(MediaType.APPLICATION_JSON)
                .content(item)
                .exchange();
    }

    private static Item itemIn(MvcTestResult result) {
        return assertThat(result).bodyJson().convertTo(Item.class).actual();
    }
}
