import vue from "@vitejs/plugin-vue";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

import { readSettings } from "./src/settings.ts";

export default defineConfig(({ mode }) => {
  readSettings(loadEnv(mode, process.cwd())); // a wrong setting ends the build, not the page
  return {
    plugins: [vue()],
    test: { environment: "jsdom", include: ["tests/**/*.test.ts"] },
  };
});
