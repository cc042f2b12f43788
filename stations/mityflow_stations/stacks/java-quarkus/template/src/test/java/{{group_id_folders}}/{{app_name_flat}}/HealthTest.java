package {{ group_id }}.{{ app_name_flat }};

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.InputStream;
import java.net.URL;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;

@QuarkusTest
class HealthTest {

    @TestHTTPResource("{{ health_path }}")
    URL health;

    @Inject
    ObjectMapper mapper;

    @ConfigProperty(name = "quarkus.application.version")
    String version;

    @Test
    void theServiceIsUpAndTellsItsVersion() throws Exception {
        try (InputStream answer = health.openStream()) {
            JsonNode json = mapper.readTree(answer);

            assertEquals("UP", json.at("/status").asText());
            assertEquals(version, json.at("/checks/0/data/version").asText());
        }
    }
}
