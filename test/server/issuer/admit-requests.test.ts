import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { openIssuer, type TestIssuer } from '../../support/server/issuer-harness.ts'

/** Sends bytes to the identity provider, and returns its answer once it closes the connection. */
function send({ tokenEndpoint, certificate }: TestIssuer, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const port = Number(tokenEndpoint.port)
    const socket = connect({ host: '127.0.0.1', port, ca: certificate, servername: 'localhost' })
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

const path = '/.well-known/openid-configuration'
const close = 'Connection: close\r\n\r\n'

describe('requests to the embedded identity provider', () => {
  it('the embedded identity provider refuses a request with two Host headers', async () => {
    const issuer = await openIssuer()
    const answer = await send(issuer, `GET ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n${close}`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('the embedded identity provider accepts an empty Expect header', async () => {
    const issuer = await openIssuer()
    const answer = await send(issuer, `GET ${path} HTTP/1.1\r\nHost: a\r\nExpect:\r\n${close}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('a login that is delayed after failures does not block other requests', async () => {
    const never = new Promise<void>(() => {})
    const issuer = await openIssuer({ wait: () => never })
    const guess = (username: string) => {
      const form = { grant_type: 'password', client_id: 'sts-cli', username, password: 'x' }
      return issuer.ask({ path: '/oauth2/token', form })
    }
    const held: Promise<unknown>[] = []
    for (const name of ['a', 'b', 'c', 'd']) for (let i = 0; i < 3; i += 1) await guess(name)
    // These are more than may run at once and may wait.
    for (const name of ['a', 'b', 'c', 'd'])
      for (let i = 0; i < 30; i += 1) held.push(guess(name).catch(() => {}))
    expect((await issuer.ask({ path })).status).toBe(200)
    const form = { grant_type: 'client_credentials' }
    const answer = await issuer.ask({ path: '/oauth2/token', auth: 'app:app-secret', form })
    expect(answer.status).toBe(200)
    await issuer.stop()
    await Promise.all(held)
  })
})
