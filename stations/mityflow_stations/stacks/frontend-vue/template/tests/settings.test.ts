import { describe, expect, it } from "vitest";

import { readSettings } from "../src/settings";

describe("settings", () => {
  it("have a title without any environment", () => {
    expect(readSettings({}).title).not.toBe("");
  });

  it("take the title of the environment", () => {
    expect(readSettings({ VITE_APP_TITLE: "Another" }).title).toBe("Another");
  });

  it.each(["", "  ", "x".repeat(61), 7])("refuse the title %j", (title) => {
    expect(() => readSettings({ VITE_APP_TITLE: title })).toThrow("1 to 60 characters");
  });
});
