import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

import { readSettings } from "./src/settings.ts";

export default defineConfig(({ mode }) => {
  readSettings(loadEnv(mode, process.cwd())); // a wrong setting ends the build, not the page
  return {
    plugins: [react()],
    test: {
      environment: "jsdom",
      include: ["tests/**/*.test.{ts,tsx}"],
      setupFiles: "tests/setup.ts",
    },
  };
});
