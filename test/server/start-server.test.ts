/** Two clients of one name: «a bug in sts-cli», and in a test's process the provider's address stayed taken for good. */
import { expect, it } from 'vitest'
import { startServer } from '../../src/server/start-server.ts'

const countServers = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length

it('a provider that cannot be made leaves no address taken', async () => {
  const client = { id: 'me', secret: 'a secret', policy: 'readonly' }
  const before = countServers()
  await expect(startServer({ clients: [client, client] })).rejects.toThrow('invalid_client')
  // Node takes a turn or two to strike it off; where it stays, this ends by the test's time limit.
  while (countServers() > before) await new Promise((resolve) => setImmediate(resolve))
})
