package {{ group_id }}.{{ app_name_flat }};

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Size;

/** What a client sends. Without a quantity it is one. */
public record NewItem(
        @NotBlank @Size(max = 100) String name, @Min(0) Integer quantity) {

    public NewItem {
        quantity = quantity == null ? 1 : quantity;
    }
}
