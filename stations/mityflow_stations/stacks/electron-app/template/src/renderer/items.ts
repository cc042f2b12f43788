/** Something with a name. */
export interface Item {
  readonly id: number;
  readonly name: string;
}

/** Items, kept in memory. Put a file or a service behind it to keep them. Ids are never used again. */
export class ItemStore {
  #items: readonly Item[] = [];
  #lastId = 0;

  /** Every item, the oldest first. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** Add an item; nothing but white space is no name, and gives nothing. */
  add(name: string): Item | undefined {
    const trimmed = name.trim();
    if (trimmed === '') {
      return undefined;
    }
    this.#lastId += 1;
    const item = { id: this.#lastId, name: trimmed };
    this.#items = [...this.#items, item];
    return item;
  }

  /** Forget an item, if it is there. */
  remove(id: number): void {
    this.#items = this.#items.filter((item) => item.id !== id);
  }
}
