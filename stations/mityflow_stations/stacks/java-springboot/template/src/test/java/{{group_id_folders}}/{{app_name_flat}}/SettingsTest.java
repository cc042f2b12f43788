package {{ group_id }}.{{ app_name_flat }};

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.test.context.ConfigDataApplicationContextInitializer;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class SettingsTest {

    private final ApplicationContextRunner application = new ApplicationContextRunner()
            .withInitializer(new ConfigDataApplicationContextInitializer())
            .withUserConfiguration(OnlySettings.class);

    @Test
    void defaultsListenOnThisMachineOnly() {
        Settings defaults = new Settings("127.0.0.1", {{ port }}, LogLevel.INFO);

        application.run(context -> assertThat(context.getBean(Settings.class)).isEqualTo(defaults));
    }

    @Test
    void theServerListensWhereTheSettingsSay() {
        application.withPropertyValues("APP_HOST=0.0.0.0", "APP_PORT=9001").run(context -> {
            assertThat(context.getEnvironment().getProperty("server.address")).isEqualTo("0.0.0.0");
            assertThat(context.getEnvironment().getProperty("server.port")).isEqualTo("9001");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "70000", "http"})
    void aWrongPortIsRefused(String port) {
        application
                .withPropertyValues("APP_PORT=" + port)
                .run(context -> assertThat(context).hasFailed());
    }

    @EnableConfigurationProperties(Settings.class)
    private static class OnlySettings {}
}
