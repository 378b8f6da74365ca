import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IssuedCredentials } from '../../src/protocol/credentials.ts'
import { type CredentialServer, startCredentialServer } from '../../src/client/credential-server.ts'
import { granted } from '../support/commands/harness.ts'

const expiresAtMs = Date.parse('2126-11-23T17:00:00Z')
let server: CredentialServer
let provide: () => Promise<IssuedCredentials>

beforeEach(async () => {
  provide = async () => ({
    ...granted,
    issuedAtMs: 0,
    expiresAtMs,
    expirationText: '',
    stsEndpoint: '',
  })
  server = await startCredentialServer(() => provide())
})
afterEach(() => server.close())

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

async function ask({ path, method, headers }: Asked = {}): Promise<{
  status: number | undefined
  headers: NodeJS.Dict<string | string[]>
  body: string
}> {
  const url = new URL(path ?? '', server.url)
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: method ?? 'GET',
      headers: { authorization: server.token, ...headers },
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      void text(response).then((body) =>
        resolve({ status: response.statusCode, headers: response.headers, body }),
      )
    })
    sent.end()
  })
}

describe('credential endpoint', () => {
  it('the credential endpoint has a loopback URL without TLS and a random token', async () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/credentials$/)
    expect(server.token).toMatch(/^[\w-]{43}$/)
    const other = await startCredentialServer(() => provide())
    expect(other.token).not.toBe(server.token)
    other.close()
  })

  it('the credential endpoint returns the container provider’s document with no-store', async () => {
    const { status, headers, body } = await ask()
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
    })
    expect(JSON.parse(body)).toEqual({
      AccessKeyId: granted.accessKeyId,
      SecretAccessKey: granted.secretAccessKey,
      Token: granted.sessionToken,
      Expiration: '2126-11-23T17:00:00Z',
    })
  })

  it.each<[string, Asked, number]>([
    ['no token', { headers: { authorization: '' } }, 401],
    ['another token', { headers: { authorization: 'x'.repeat(43) } }, 401],
    ['a scheme before the token', { headers: { authorization: 'Bearer x' } }, 401],
    ['another host name', { headers: { host: 'evil.example' } }, 403],
    ['another port in the host name', { headers: { host: '127.0.0.1:1' } }, 403],
    ['another path', { path: '/' }, 404],
    ['a query', { path: '/credentials?x' }, 404],
    ['POST', { method: 'POST' }, 405],
    ['a browser’s OPTIONS request', { method: 'OPTIONS' }, 405],
  ])('the credential endpoint refuses %s and shows no secret', async (_what, asked, status) => {
    const answer = await ask(asked)
    expect(answer.status).toBe(status)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    for (const secret of [granted.secretAccessKey, granted.sessionToken, server.token])
      expect(answer.body).not.toContain(secret)
  })

  it('the credential endpoint reports missing credentials in both SDK spellings', async () => {
    provide = () => Promise.reject(new Error('the provider is away'))
    const { status, body } = await ask()
    expect(status).toBe(503)
    expect(JSON.parse(body)).toEqual({
      code: 'CredentialsUnavailable',
      message: 'the provider is away',
      Code: 'CredentialsUnavailable',
      Message: 'the provider is away',
    })
  })

  it('the credential endpoint closes its port', async () => {
    server.close()
    await expect(ask()).rejects.toThrow('ECONNREFUSED')
  })
})
