package {{ group_id }}.{{ app_name_flat }};

/** What a client is told about an error, in the form that Quarkus has for violated constraints. */
public record Problem(String title, int status) {}
