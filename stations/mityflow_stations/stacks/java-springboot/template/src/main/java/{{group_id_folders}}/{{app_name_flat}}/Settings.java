package {{ group_id }}.{{ app_name_flat }};

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.logging.LogLevel;
import org.springframework.validation.annotation.Validated;

/**
 * The settings, each from a variable of the environment such as {@code APP_PORT}; {@code application.properties} names
 * them all. The application does not start with a wrong one.
 */
@Validated
@ConfigurationProperties("app")
public record Settings(
        @NotBlank String host, @Min(1) @Max(65535) int port, LogLevel logLevel) {}
