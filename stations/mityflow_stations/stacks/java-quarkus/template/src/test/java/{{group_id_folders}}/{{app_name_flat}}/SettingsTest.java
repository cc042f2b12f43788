package {{ group_id }}.{{ app_name_flat }};

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.config.validator.BeanValidationConfigValidator;
import jakarta.validation.Validation;
import jakarta.validation.ValidatorFactory;
import java.io.IOException;
import java.util.Map;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {

    @Test
    void defaultsListenOnThisMachineOnly() throws Exception {
        Settings settings = configuration(Map.of()).getConfigMapping(Settings.class);

        assertEquals("127.0.0.1", settings.host());
        assertEquals({{ port }}, settings.port());
        assertEquals(Level.INFO, settings.logLevel());
    }

    @Test
    void theServerListensWhereTheEnvironmentSays() throws Exception {
        SmallRyeConfig config = configuration(Map.of("APP_HOST", "0.0.0.0", "APP_PORT", "9001"));

        assertEquals("0.0.0.0", config.getValue("quarkus.http.host", String.class));
        assertEquals(9001, config.getValue("quarkus.http.port", Integer.class));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "70000", "http"})
    void aWrongPortIsRefused(String port) {
        assertThrows(ConfigValidationException.class, () -> configuration(Map.of("APP_PORT", port)));
    }

    /** The configuration that the application has in an environment of these variables only. */
    private static SmallRyeConfig configuration(Map<String, String> environment) throws IOException {
        try (ValidatorFactory validation = Validation.buildDefaultValidatorFactory()) {
            return new SmallRyeConfigBuilder()
                    .addDefaultInterceptors()
                    .addDiscoveredConverters()
                    .withSources(new PropertiesConfigSource(Settings.class.getResource("/application.properties"), 100))
                    .withSources(new EnvConfigSource(environment, 300))
                    .withMapping(Settings.class)
                    .withValidator((BeanValidationConfigValidator) validation::getValidator)
                    .build();
        }
    }
}
