/** An entry of the list. Its id is never used again. */
export interface Item {
  readonly id: number;
  readonly name: string;
}

/** All items, and the id that was given last. */
export interface Items {
  readonly all: readonly Item[];
  readonly lastId: number;
}

export type Change =
  | { readonly type: "add"; readonly name: string }
  | { readonly type: "remove"; readonly id: number };

export const noItems: Items = { all: [], lastId: 0 };

/** The items after a change. A name is trimmed; one that is empty then changes nothing. */
export function changed(items: Items, change: Change): Items {
  switch (change.type) {
    case "add": {
      const name = change.name.trim();
      if (name === "") {
        return items;
      }
      const id = items.lastId + 1;
      return { all: [...items.all, { id, name }], lastId: id };
    }
    case "remove":
      return { ...items, all: items.all.filter((item) => item.id !== change.id) };
  }
}
