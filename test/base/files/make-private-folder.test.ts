import { expect, it } from 'vitest'
import { makePrivateFolder } from '../../../src/base/files/private-file.ts'
import { startServer } from '../../../src/server/start-server.ts'

// Node’s own recursive mkdir never returned for such a folder.
it.skipIf(process.platform !== 'linux')('a folder below /proc is refused quickly', () => {
  expect(() => makePrivateFolder('/proc/nowhere/sts-cli')).toThrow(/ENOENT/)
})

it.skipIf(process.platform !== 'linux')(
  'startServer() refuses an object directory below /proc',
  async () => {
    await expect(startServer({ directory: '/proc/nowhere/objects' })).rejects.toMatchObject({
      code: 'ERR_CANNOT_CREATE',
    })
  },
)
