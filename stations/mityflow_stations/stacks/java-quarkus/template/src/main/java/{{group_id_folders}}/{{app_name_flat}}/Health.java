package {{ group_id }}.{{ app_name_flat }};

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Tells the version to whoever asks for the health. Add what the service needs to work, such as its database. */
@Readiness
@ApplicationScoped
public class Health implements HealthCheck {

    private final String version;

    public Health(@ConfigProperty(name = "quarkus.application.version") String version) {
        this.version = version;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("service")
                .up()
                .withData("version", version)
                .build();
    }
}
