import { defineConfig } from 'vitest/config'

/** Tests against real programs, installed by test/interop/install. One at a time: each owns a server. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    // The SDK's advice on Node's version is not ours to print.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
