import { randomInt } from 'node:crypto'
import { defineConfig } from 'vitest/config'

const seed = process.env.FUZZ_SEED ?? String(randomInt(2 ** 31))
const seconds = process.env.FUZZ_SECONDS ?? '60'

/** Random input for so many seconds in all, one file after the other. The seed is printed, and FUZZ_SEED asks for it again. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    env: { FUZZ_SEED: seed, FUZZ_SECONDS: seconds },
    include: ['test/fuzz/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
