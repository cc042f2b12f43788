import { describe, expect, it } from "vitest";

import { useItems } from "../src/items";

describe("items", () => {
  it("have names without white space around them", () => {
    const { items, add } = useItems();

    expect(add("  apple ")).toBe(true);

    expect(items.value).toEqual([{ id: 1, name: "apple" }]);
  });

  it("stay as they are when a name is empty", () => {
    const { items, add } = useItems();

    expect(add(" ")).toBe(false);

    expect(items.value).toEqual([]);
  });

  it("never get an id again that was removed", () => {
    const { items, add, remove } = useItems();
    add("apple");
    remove(1);
    add("pear");

    expect(items.value).toEqual([{ id: 2, name: "pear" }]);
  });

  it("stay as they are when an unknown one is removed", () => {
    const { items, add, remove } = useItems();
    add("apple");

    remove(7);

    expect(items.value).toEqual([{ id: 1, name: "apple" }]);
  });
});
