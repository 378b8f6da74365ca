import { expect, it } from 'vitest'
import { makePrivateFolder } from '../../src/base/private-file.ts'

// Node's own recursive mkdir never returned from there.
it.skipIf(process.platform !== 'linux')('a folder below /proc is refused at once', () => {
  expect(() => makePrivateFolder('/proc/nowhere/sts-cli')).toThrow(/ENOENT/)
})
