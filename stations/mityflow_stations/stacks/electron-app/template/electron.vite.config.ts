import { defineConfig } from 'electron-vite';

export default defineConfig({
  main: {},
  // A preload script in a sandbox must be one CommonJS file.
  preload: {
    build: {
      rolldownOptions: {
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {},
});
