package {{ group_id }}.{{ app_name_flat }};

import io.smallrye.config.ConfigMapping;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import java.util.logging.Level;

/**
 * The settings, each from a variable of the environment such as {@code APP_PORT}; {@code application.properties} has
 * their defaults. The application does not start with a wrong one.
 */
@ConfigMapping(prefix = "app")
public interface Settings {

    /** The address to listen on. */
    @NotBlank
    String host();

    /** The port to listen on. */
    @Min(1)
    @Max(65535)
    int port();

    /** How much is logged. */
    Level logLevel();
}
