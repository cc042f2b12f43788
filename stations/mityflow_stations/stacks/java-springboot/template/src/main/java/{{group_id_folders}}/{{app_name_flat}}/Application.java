package {{ group_id }}.{{ app_name_flat }};

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** The application: its parts are the classes of this package. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class Application {

    /** Serves until stopped, on the address that the settings name. */
    public static void main(String[] args) {
        SpringApplication.run(Application.class, args);
    }
}
