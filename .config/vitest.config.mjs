import { defineConfig } from 'vitest/config'

/** Kinds of tests: `unit` needs the sources alone, `e2e` the built command. Interop has a script of its own. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    // The SDK's advice on Node's version is not ours to print.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/fuzz/**', 'test/interop/**'],
        },
      },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'] } },
    ],
  },
})
