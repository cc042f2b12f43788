package {{ group_id }}.{{ app_name_flat }};

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.webmvc.test.autoconfigure.AutoConfigureMockMvc;
import org.springframework.http.HttpStatus;
import org.springframework.test.web.servlet.assertj.MockMvcTester;

@SpringBootTest
@AutoConfigureMockMvc
class HealthTest {

    @Autowired
    private MockMvcTester application;

    @Test
    void theServiceIsUp() {
        assertThat(application.get().uri("{{ health_path }}"))
                .hasStatusOk()
                .bodyJson()
                .extractingPath("status")
                .isEqualTo("UP");
    }

    @Test
    void itTellsItsVersion() {
        assertThat(application.get().uri("/actuator/info"))
                .hasStatusOk()
                .bodyJson()
                .extractingPath("app.version")
                .asString()
                .matches("[0-9]+[.][0-9]+[.][0-9]+.*");
    }

    @Test
    void nothingElseOfTheActuatorIsShown() {
        assertThat(application.get().uri("/actuator/env")).hasStatus(HttpStatus.NOT_FOUND);
    }
}
