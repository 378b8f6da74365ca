/** Faults of an identity provider, with the real HTTP client: the answer to users, the log line, the readiness, and the recovery. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createJsonClient } from '../../../src/base/http/json-client.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { makeCertificate } from '../../../src/server/http/self-signed-certificate.ts'
import {
  keySet,
  makeHmacToken,
  makeToken,
  nowMs,
  nowSeconds,
  signers,
} from '../../support/tokens.ts'
import { generateKeys } from '../../support/generate-keys.ts'

const { RS256, ES256 } = signers
/** The short time-out is for faults of silence; the long one keeps a slow test machine from looking like one. */
const timeoutMs = 1500
const longMs = 15_000
const maxBytes = 1024 * 1024

const sendJson =
  (document: unknown): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify(document))
const good = sendJson(keySet)

interface Provider {
  listener: RequestListener
  readonly url: string
}

async function startProvider(listener: RequestListener): Promise<Provider> {
  const provider = { listener, url: '' }
  const server = createServer((request, response) => provider.listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  return provider
}

function openVerifier(jwksUrl: string, why = '') {
  const limits = { timeoutMs: why.startsWith('gave no answer') ? timeoutMs : longMs, maxBytes }
  const client = createJsonClient(limits)
  onTestFinished(() => client.close())
  const clock = { nowMs }
  const logged: { level: string; message: string; facts: Record<string, unknown> }[] = []
  const at =
    (level: string) =>
    (facts: object, message: string): void =>
      void logged.push({ level, message, facts: { ...facts } })
  const verifier = createTokenVerifier({
    jwksUrl,
    fetchJson: client.fetchJson,
    nowMs: () => clock.nowMs,
    log: { info: at('info'), warn: at('warn'), error: at('error') },
  })
  return {
    clock,
    logged,
    checkReady: () => verifier.checkReady(),
    verify: (token: string): Promise<string> =>
      verifier.verify(token).then(
        ({ subject }) => subject,
        (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
      ),
  }
}

const unavailable = 'ServiceUnavailable: the identity provider’s keys cannot be loaded; try again'
const ecKeys = (count: number): object[] =>
  Array.from({ length: count }, (_key, index) => ({ ...ES256.publicJwk, kid: `k${index}` }))

const faults: readonly (readonly [string, string, RequestListener])[] = [
  ['has 10 MB', 'answered more than 1048576 bytes', sendJson({ pad: 'x'.repeat(10_000_000) })],
  ['has 10,000 keys', 'answered more than 1048576 bytes', sendJson({ keys: ecKeys(10_000) })],
  [
    'is an HTML page',
    'answered what is not JSON',
    (_request, response) => void response.end('<html>log in</html>'),
  ],
  ['is slow', `gave no answer within ${timeoutMs} ms`, (request) => void request.resume()],
  [
    'stops half-way',
    `gave no answer within ${timeoutMs} ms`,
    (_request, response) => void response.write('{"keys":['),
  ],
  [
    'has only symmetric keys',
    'holds no key that can be used (of 1)',
    sendJson({ keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'h' }] }),
  ],
  ['has no key', 'holds no key that can be used (of 0)', sendJson({ keys: [] })],
  ['is not a key set', 'is not a JSON Web Key Set', sendJson({ error: 'x' })],
  ['is refused', 'answered HTTP 403', (_request, response) => void response.writeHead(403).end()],
  [
    'closes the connection',
    'closed the connection without an answer',
    (request) => void request.socket.destroy(),
  ],
]

describe('faults of a key set', () => {
  it.each(faults)(
    'a key set that %s makes the answer 503, with a log line that it %s, until it is fixed',
    async (_what, why, listener) => {
      const provider = await startProvider(listener)
      const { verify, checkReady, clock, logged } = openVerifier(provider.url, why)
      const token = makeToken(RS256)
      expect(await verify(token)).toBe(unavailable)
      expect(await checkReady()).toBe(false)
      expect(logged).toEqual([
        {
          level: 'warn',
          message: 'key set could not be loaded',
          facts: { reason: `${provider.url} ${why}`, keptKeys: 0 },
        },
      ])
      provider.listener = good
      clock.nowMs += 30_000
      expect(await checkReady()).toBe(true)
      expect(await verify(token)).toBe('alice')
    },
  )

  it.each(faults)('old keys stay if the key set later %s: %s', async (_what, why, listener) => {
    const provider = await startProvider(good)
    const { verify, checkReady, clock, logged } = openVerifier(provider.url, why)
    expect(await verify(makeToken(RS256))).toBe('alice')
    provider.listener = listener
    clock.nowMs += 30_000
    expect(await verify(makeToken(RS256, {}, { kid: 'new' }))).toMatch(/^InvalidParameterValue: /)
    expect(logged.at(-1)?.facts).toEqual({ reason: `${provider.url} ${why}`, keptKeys: 4 })
    expect(await verify(makeToken(ES256))).toBe('alice')
    expect(await checkReady()).toBe(true)
  })

  it('two keys of one type with the same kid are not used, and the log names the kid', async () => {
    const { publicKey } = generateKeys('rsa')
    const other = { ...publicKey.export({ format: 'jwk' }), kid: RS256.kid }
    const keys = [RS256.publicJwk, other, ES256.publicJwk]
    const { verify, logged } = openVerifier((await startProvider(sendJson({ keys }))).url)
    expect(await verify(makeToken(ES256))).toBe('alice')
    expect(await verify(makeToken(RS256))).toMatch(/^InvalidParameterValue: .*no JWKS key/)
    expect(logged.slice(0, 2)).toMatchObject([
      {
        level: 'error',
        message: 'several keys of the key set have one kid: they are not used',
        facts: { kids: [RS256.kid] },
      },
      { message: 'key set loaded', facts: { keys: 1, entries: 3 } },
    ])
  })

  it('the first of two keys of different types with the same kid is used', async () => {
    const other = { ...ES256.publicJwk, kid: RS256.kid }
    const keys = [RS256.publicJwk, other]
    const { verify } = openVerifier((await startProvider(sendJson({ keys }))).url)
    expect(await verify(makeToken(RS256))).toBe('alice')
    expect(await verify(makeToken(ES256, {}, { kid: RS256.kid }))).toMatch(/^InvalidParameterValue/)
  })

  it('a private key in a key set is not used, and the log reports an error', async () => {
    const { privateKey } = generateKeys('rsa')
    const leaked = { ...privateKey.export({ format: 'jwk' }), kid: 'leaked' }
    const { url } = await startProvider(sendJson({ keys: [leaked, RS256.publicJwk] }))
    const { verify, checkReady, logged } = openVerifier(url)
    expect(await verify(makeToken(RS256))).toBe('alice')
    expect(await verify(makeToken(RS256, {}, { kid: 'leaked' }))).toMatch(/^InvalidParameterValue/)
    expect(await checkReady()).toBe(true)
    expect(logged[0]).toEqual({
      level: 'error',
      message: 'the key set publishes private keys: they are not used',
      facts: { url, entries: 2, privateKeys: 1 },
    })
    expect(JSON.stringify(logged)).not.toContain(String(leaked.d))
  })

  it('a symmetric key in a key set is never used', async () => {
    const k = Buffer.from('secret').toString('base64url')
    const keys = [{ kty: 'oct', k, kid: 'h', alg: 'HS256' }, RS256.publicJwk]
    const { verify, logged } = openVerifier((await startProvider(sendJson({ keys }))).url)
    expect(await verify(makeHmacToken('secret', 'h'))).toMatch(/^InvalidParameterValue/)
    expect(await verify(makeToken(RS256))).toBe('alice')
    expect(logged[0]?.facts).toEqual({ keys: 1, entries: 2 })
  })

  it('only 256 keys of a key set are used, and the log says how many', async () => {
    const { url } = await startProvider(sendJson({ keys: ecKeys(2000) }))
    const { verify, logged } = openVerifier(url)
    expect(await verify(makeToken(ES256, {}, { kid: 'k255' }))).toBe('alice')
    expect(await verify(makeToken(ES256, {}, { kid: 'k256' }))).toMatch(/^InvalidParameterValue/)
    expect(logged[0]?.facts).toEqual({ keys: 256, entries: 2000 })
  })

  it('a key set from a server with an untrusted certificate is refused, and the log names the reason', async () => {
    const server = createTlsServer({ ...(await makeCertificate(Date.now())) }, good)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `https://localhost:${(server.address() as AddressInfo).port}/jwks`
    const { verify, checkReady, logged } = openVerifier(url)
    expect(await verify(makeToken(RS256))).toBe(unavailable)
    expect(await checkReady()).toBe(false)
    expect(logged[0]?.facts['reason']).toMatch(/ cannot be reached \(.*CERT.*\)$/)
  })
})

describe('an identity provider with a wrong clock', () => {
  it('a token from a clock two minutes ahead becomes valid within the tolerance', async () => {
    const { verify, clock, checkReady } = openVerifier((await startProvider(good)).url)
    const token = makeToken(RS256, { iat: nowSeconds + 120 })
    expect(await verify(token)).toBe('InvalidParameterValue: token is not valid yet (iat)')
    expect(await checkReady()).toBe(true)
    clock.nowMs += 60_000
    expect(await verify(token)).toBe('alice')
  })

  it('a token from a clock two minutes behind expires at its exp', async () => {
    const { verify } = openVerifier((await startProvider(good)).url)
    expect(await verify(makeToken(RS256, { iat: nowSeconds - 120 }))).toBe('alice')
    expect(await verify(makeToken(RS256, { exp: nowSeconds - 120 }))).toBe(
      'ExpiredToken: token is expired',
    )
  })
})
