import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        // Some start programs, which takes its time on a busy machine.
        test: {
          name: 'node',
          include: ['tests/{main,scripts}/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: { name: 'window', include: ['tests/renderer/**/*.test.ts'], environment: 'jsdom' },
      },
    ],
  },
});
