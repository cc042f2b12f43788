import { mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import { createMemoryHistory } from "vue-router";

import App from "../src/App.vue";
import { createPages } from "../src/pages";

async function open(path: string) {
  const pages = createPages("A title", createMemoryHistory());
  await pages.push(path);
  const page = mount(App, { global: { plugins: [pages] } });
  const add = async (name: string) => {
    await page.get("input").setValue(name);
    await page.get("form").trigger("submit");
  };
  const names = () => page.findAll("li span").map((item) => item.text());
  return { page, add, names };
}

describe("the start page", () => {
  it("shows its title and that there is nothing yet", async () => {
    const { page } = await open("/");

    expect(page.get("h1").text()).toBe("A title");
    expect(page.text()).toContain("Nothing here yet.");
  });

  it("lists what is added, in order, and empties the field", async () => {
    const { page, add, names } = await open("/");

    await add("apple");
    await add("pear");

    expect(names()).toEqual(["apple", "pear"]);
    expect(page.get("input").element.value).toBe("");
    expect(page.text()).not.toContain("Nothing here yet.");
  });

  it("names its field for those who cannot see it", async () => {
    const { page } = await open("/");

    expect(page.get("label").attributes("for")).toBe(page.get("input").attributes("id"));
  });

  it("removes an item and keeps the others", async () => {
    const { page, add, names } = await open("/");
    await add("apple");
    await add("pear");

    await page.get("button[aria-label='Remove apple']").trigger("click");

    expect(names()).toEqual(["pear"]);
  });

  it.each(["", "   "])("asks for a name instead of adding %j", async (name) => {
    const { page, add, names } = await open("/");

    await add(name);

    expect(page.get("[role=alert]").text()).toBe("Give it a name.");
    expect(names()).toEqual([]);
  });

  it("stops asking once there is a name", async () => {
    const { page, add } = await open("/");
    await add("");

    await add("apple");

    expect(page.find("[role=alert]").exists()).toBe(false);
  });
});

describe("any other path", () => {
  it("says that there is no such page and leads back", async () => {
    const { page } = await open("/no/such/page");

    expect(page.get("h1").text()).toBe("There is no such page");
    expect(page.get("a").attributes("href")).toBe("/");
  });
});
