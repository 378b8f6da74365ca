import { expect, it } from 'vitest'
import { makePrivateFolder } from '../../../src/base/files/private-file.ts'
import { startServer } from '../../../src/server/start-server.ts'

// Node's own recursive mkdir never returned from there.
it.skipIf(process.platform !== 'linux')('a folder below /proc is refused at once', () => {
  expect(() => makePrivateFolder('/proc/nowhere/sts-cli')).toThrow(/ENOENT/)
})

it.skipIf(process.platform !== 'linux')(
  'a server that is to keep its objects there too',
  async () => {
    await expect(startServer({ directory: '/proc/nowhere/objects' })).rejects.toMatchObject({
      code: 'ERR_CANNOT_CREATE',
    })
  },
)
