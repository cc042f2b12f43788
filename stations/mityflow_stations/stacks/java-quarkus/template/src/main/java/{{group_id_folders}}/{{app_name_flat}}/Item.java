package {{ group_id }}.{{ app_name_flat }};

/** An item that is stored. */
public record Item(long id, String name, int quantity) {}
