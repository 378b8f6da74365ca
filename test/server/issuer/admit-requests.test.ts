import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { openIssuer, type TestIssuer } from '../../support/server/issuer-harness.ts'

/** Sends bytes to the provider; all that it answers until it closes. */
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

describe('a request to the embedded provider', () => {
  it('with two Hosts is refused', async () => {
    const issuer = await openIssuer()
    const answer = await send(issuer, `GET ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n${close}`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('with an empty Expect is answered', async () => {
    const issuer = await openIssuer()
    const answer = await send(issuer, `GET ${path} HTTP/1.1\r\nHost: a\r\nExpect:\r\n${close}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('takes no place while it is held after failures: others are answered meanwhile', async () => {
    const never = new Promise<void>(() => {})
    const issuer = await openIssuer({ wait: () => never })
    const guess = (username: string) => {
      const form = { grant_type: 'password', client_id: 'sts-cli', username, password: 'x' }
      return issuer.ask({ path: '/oauth2/token', form })
    }
    const held: Promise<unknown>[] = []
    for (const name of ['a', 'b', 'c', 'd']) for (let i = 0; i < 3; i += 1) await guess(name)
    // More than are worked on at once, and than may wait.
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
