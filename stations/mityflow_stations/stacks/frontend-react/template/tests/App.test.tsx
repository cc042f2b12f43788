import { render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { App } from "../src/App";

function start() {
  const user = userEvent.setup();
  render(<App title="A title" />);
  return {
    async add(name: string) {
      const input = screen.getByLabelText("Name");
      await user.clear(input);
      if (name !== "") {
        await user.type(input, name);
      }
      await user.click(screen.getByRole("button", { name: "Add" }));
    },
    async remove(name: string) {
      await user.click(screen.getByRole("button", { name: `Remove ${name}` }));
    },
    names: () => screen.queryAllByRole("listitem").map((item) => item.firstChild?.textContent),
  };
}

describe("the page", () => {
  it("shows its title and that there is nothing yet", () => {
    start();

    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("A title");
    expect(screen.getByText("Nothing here yet.")).toBeTruthy();
  });

  it("lists what is added, in order, and empties the field", async () => {
    const page = start();

    await page.add("apple");
    await page.add("pear");

    expect(page.names()).toEqual(["apple", "pear"]);
    expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("");
    expect(screen.queryByText("Nothing here yet.")).toBeNull();
  });

  it("adds with the Enter key", async () => {
    const page = start();

    await userEvent.type(screen.getByLabelText("Name"), "apple{Enter}");

    expect(page.names()).toEqual(["apple"]);
  });

  it("removes an item and keeps the others", async () => {
    const page = start();
    await page.add("apple");
    await page.add("pear");

    await page.remove("apple");

    expect(page.names()).toEqual(["pear"]);
  });

  it.each(["", "   "])("asks for a name instead of adding %j", async (name) => {
    const page = start();

    await page.add(name);

    expect(screen.getByRole("alert").textContent).toBe("Give it a name.");
    expect(page.names()).toEqual([]);
  });

  it("stops asking once there is a name", async () => {
    const page = start();
    await page.add("");

    await page.add("apple");

    expect(screen.queryByRole("alert")).toBeNull();
  });
});
