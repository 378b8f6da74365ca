/** Two clients with one name caused an internal error, and the address of the identity provider stayed bound for the life of the process. */
import { expect, it } from 'vitest'
import { startServer } from '../../src/server/start-server.ts'

const countServers = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length

it('a failed start of the identity provider leaves no port open', async () => {
  const client = { id: 'me', secret: 'a secret', policy: 'readonly' }
  const before = countServers()
  await expect(startServer({ clients: [client, client] })).rejects.toThrow('two clients')
  // Node needs a turn or two to remove the server; if it stays, the time limit of the test ends this loop.
  while (countServers() > before) await new Promise((resolve) => setImmediate(resolve))
})
