import { readonly, ref } from "vue";

/** An entry of the list. Its id is never used again. */
export interface Item {
  readonly id: number;
  readonly name: string;
}

/** A list of items, empty at first. */
export function useItems() {
  const items = ref<Item[]>([]);
  let lastId = 0;

  /** Adds an item, white space around its name left out; false for a name that is empty then. */
  function add(name: string): boolean {
    const trimmed = name.trim();
    if (trimmed === "") {
      return false;
    }
    lastId += 1;
    items.value.push({ id: lastId, name: trimmed });
    return true;
  }

  /** Removes an item; one that is not there is no error. */
  function remove(id: number): void {
    items.value = items.value.filter((item) => item.id !== id);
  }

  return { items: readonly(items), add, remove };
}
