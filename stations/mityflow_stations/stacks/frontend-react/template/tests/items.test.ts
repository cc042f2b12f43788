import { describe, expect, it } from "vitest";

import { changed, noItems, type Change } from "../src/items";

function after(...changes: Change[]) {
  return changes.reduce(changed, noItems);
}

describe("items", () => {
  it("have names without white space around them", () => {
    expect(after({ type: "add", name: "  apple " }).all).toEqual([{ id: 1, name: "apple" }]);
  });

  it("stay as they are when a name is empty", () => {
    expect(after({ type: "add", name: " " })).toBe(noItems);
  });

  it("never get an id again that was removed", () => {
    const items = after(
      { type: "add", name: "apple" },
      { type: "remove", id: 1 },
      { type: "add", name: "pear" },
    );

    expect(items.all).toEqual([{ id: 2, name: "pear" }]);
  });

  it("stay as they are when an unknown one is removed", () => {
    const items = after({ type: "add", name: "apple" }, { type: "remove", id: 7 });

    expect(items.all).toEqual([{ id: 1, name: "apple" }]);
  });
});
