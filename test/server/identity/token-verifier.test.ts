import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  createTokenVerifier,
  type TokenVerifier,
} from '../../../src/server/identity/token-verifier.ts'
import {
  keySet,
  makeHmacToken,
  makeToken,
  nowSeconds,
  signers,
  type Members,
} from '../../support/tokens.ts'
import {
  configUrl,
  jwksUrl,
  makeProvider,
  type FakeProvider,
} from '../../support/server/fake-provider.ts'

const { RS256 } = signers
const issuer = 'https://idp.example'
const documents = { [jwksUrl]: keySet, [configUrl]: { issuer, jwks_uri: jwksUrl } }

function openVerifier(
  options: { clientId?: string; configUrl?: string; jwksUrl?: string } = { jwksUrl },
  provider: FakeProvider = makeProvider(documents),
): TokenVerifier {
  return createTokenVerifier({ ...provider, ...options })
}

const refusal = (message: string, code = 'InvalidParameterValue'): unknown =>
  expect.objectContaining({ name: 'AwsError', code, status: 400, message })

describe('tokens with a JWKS URL', () => {
  it('a token gives subject, claims and expiry, and any issuer is accepted with a JWKS URL', async () => {
    const verified = await openVerifier().verify(makeToken(RS256, { iss: 'https://elsewhere' }))
    expect(verified).toMatchObject({ subject: 'alice', claims: { iss: 'https://elsewhere' } })
    expect(verified.expiresAtMs).toBe((nowSeconds + 3600) * 1000)
  })
})

describe('tokens with discovery', () => {
  it('a token must have the issuer of the discovery document', async () => {
    const verifier = openVerifier({ configUrl })
    expect(await verifier.verify(makeToken(RS256, { iss: issuer }))).toMatchObject({
      subject: 'alice',
    })
    for (const iss of [undefined, `${issuer}/`, 'https://elsewhere', 7, [issuer]])
      await expect(verifier.verify(makeToken(RS256, { iss }))).rejects.toEqual(
        refusal(`claim iss is not the configured issuer ${issuer}`),
      )
  })

  it('the discovery document is fetched before each refresh, so that the JWKS URL may change', async () => {
    const provider = makeProvider(documents)
    const verifier = openVerifier({ configUrl }, provider)
    await verifier.verify(makeToken(RS256, { iss: issuer }))
    expect(provider.asked).toEqual([configUrl, jwksUrl])
    const moved = 'https://idp.example/moved'
    provider.documents.delete(jwksUrl)
    provider.documents.set(moved, { keys: [{ ...RS256.publicJwk, kid: 'new' }] })
    provider.documents.set(configUrl, { issuer, jwks_uri: moved })
    provider.clock.nowMs += 30_000
    await verifier.verify(makeToken(RS256, { iss: issuer }, { kid: 'new' }))
    expect(provider.asked.slice(2)).toEqual([configUrl, moved])
  })

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['not a JSON object', 'hello'],
    ['without an issuer', { jwks_uri: jwksUrl }],
    ['without a key set', { issuer }],
    ['pointing to a file', { issuer, jwks_uri: 'file:///etc/passwd' }],
  ])('a token gets 503 while the discovery document is %s', async (_what, document) => {
    const provider = makeProvider({ [jwksUrl]: keySet })
    if (document !== undefined) provider.documents.set(configUrl, document)
    const verifier = openVerifier({ configUrl }, provider)
    await expect(verifier.verify(makeToken(RS256, { iss: issuer }))).rejects.toMatchObject({
      code: 'ServiceUnavailable',
      status: 503,
    })
    expect(await verifier.checkReady()).toBe(false)
    expect(provider.asked).toEqual([configUrl])
  })
})

describe('the client of a token', () => {
  const verifier = openVerifier({ jwksUrl, clientId: 'app' })

  it.each<[string, Members]>([
    ['aud', { aud: 'app' }],
    ['aud in a list', { aud: ['other', 'app'] }],
    ['aud among commas', { aud: 'other, app' }],
    ['azp', { aud: 'account', azp: 'app' }],
    ['azp without aud', { aud: undefined, azp: 'app' }],
  ])('a token names the client by %s', async (_what, changed) => {
    expect(await verifier.verify(makeToken(RS256, changed))).toMatchObject({ subject: 'alice' })
  })

  it.each<[string, Members]>([
    ['another aud', { aud: 'other' }],
    ['an aud with the same prefix', { aud: 'app2' }],
    ['no aud', { aud: undefined }],
    ['an aud of numbers', { aud: [7] }],
    ['another azp', { aud: 'other', azp: 'another' }],
    ['an azp in a list', { aud: 'other', azp: ['app'] }],
    ['only client_id', { aud: 'other', client_id: 'app' }],
  ])('a token is refused for %s', async (_what, changed) => {
    await expect(verifier.verify(makeToken(RS256, changed))).rejects.toEqual(
      refusal('neither claim aud nor azp names the client app'),
    )
  })

  it('a token for any client is accepted if no client ID is configured', async () => {
    const verified = await openVerifier().verify(makeToken(RS256, { aud: 'other' }))
    expect(verified.claims['aud']).toBe('other')
  })
})

describe('the times of a token', () => {
  const verifier = openVerifier()

  it.each<[string, Members, string | undefined]>([
    ['expires in a second', { exp: nowSeconds + 1 }, undefined],
    ['expires now', { exp: nowSeconds }, 'token is expired'],
    ['expired long ago', { exp: 1 }, 'token is expired'],
    ['becomes valid within the tolerance', { nbf: nowSeconds + 60 }, undefined],
    ['becomes valid later', { nbf: nowSeconds + 61 }, 'token is not valid yet (nbf)'],
    ['is issued within the tolerance', { iat: nowSeconds + 60 }, undefined],
    ['is issued later', { iat: nowSeconds + 61 }, 'token is not valid yet (iat)'],
    ['never expires', { exp: undefined }, 'claim exp is missing'],
    ['expires at infinity', { exp: Number.POSITIVE_INFINITY }, 'claim exp is missing'],
  ])('exp, nbf and iat decide about a token that %s', async (_what, changed, message) => {
    const act = verifier.verify(makeToken(RS256, changed))
    if (message === undefined) expect(await act).toMatchObject({ subject: 'alice' })
    else {
      const code = message === 'token is expired' ? 'ExpiredToken' : 'InvalidParameterValue'
      await expect(act).rejects.toEqual(refusal(message, code))
    }
  })
})

describe('the subject of a token', () => {
  const verifier = openVerifier()
  const without: Members = { sub: undefined, aud: undefined }

  it.each<[string, Members, string]>([
    ['sub', { azp: 'z', client_id: 'c' }, 'alice'],
    ['azp', { ...without, azp: 'z', client_id: 'c', aud: 'a' }, 'z'],
    ['client_id', { ...without, client_id: 'c', aud: 'a' }, 'c'],
    ['single aud', { ...without, aud: 'a' }, 'a'],
    ['aud in a list of one', { ...without, aud: ['a'] }, 'a'],
    ['azp if sub is empty', { sub: '', azp: 'z' }, 'z'],
    ['azp if sub is a number', { sub: 7, azp: 'z' }, 'z'],
  ])('the subject of a token is its %s', async (_what, changed, subject) => {
    expect(await verifier.verify(makeToken(RS256, changed))).toMatchObject({ subject })
  })

  it.each<[string, Members]>([
    ['no claim', without],
    ['several aud', { ...without, aud: ['a', 'b'] }],
    ['only empty claims', { sub: '', azp: '', client_id: '', aud: '' }],
  ])('a token with %s has no subject and is refused', async (_what, changed) => {
    await expect(verifier.verify(makeToken(RS256, changed))).rejects.toMatchObject({
      code: 'InvalidParameterValue',
      message: expect.stringContaining('claim sub is missing') as unknown,
    })
  })

  it('the subject of a WSO2 token of 2018 is its client', async () => {
    const file = new URL('../../vectors/wso2-2018.json', import.meta.url)
    const wso2 = JSON.parse(readFileSync(file, 'utf8')) as {
      validAt: string
      jwks: unknown
      tokenResponse: { access_token: string }
    }
    const provider = makeProvider({ [jwksUrl]: wso2.jwks })
    provider.clock.nowMs = Date.parse(wso2.validAt)
    const subject = 'PoEgXP6uVO45IsENRngDXj5Au5Ya'
    const verifier2018 = openVerifier({ jwksUrl, clientId: subject }, provider)
    const token = wso2.tokenResponse.access_token
    expect(await verifier2018.verify(token)).toMatchObject({ subject })
    provider.clock.nowMs = Date.parse('2026-11-23T16:33:27Z')
    await expect(verifier2018.verify(token)).rejects.toEqual(
      refusal('token is expired', 'ExpiredToken'),
    )
  })
})

describe('invalid tokens', () => {
  const pem = RS256.publicKey.export({ format: 'pem', type: 'spki' })

  it.each([
    ['garbage', 'garbage', 'token is not a JWT'],
    ['an empty token', '', 'token is not a JWT'],
    ['17 KiB', makeToken(RS256, { pad: 'x'.repeat(17 * 1024) }), 'token is not a JWT'],
    [
      'HS256 with the public key',
      makeHmacToken(pem, RS256.kid),
      'token algorithm HS256 is not accepted',
    ],
    ['alg none', makeToken(RS256, {}, { alg: 'none' }), 'token algorithm none is not accepted'],
    ['an unknown kid', makeToken(RS256, {}, { kid: 'k1' }), 'no JWKS key with kid k1'],
    [
      'another kid',
      makeToken(RS256, {}, { kid: signers.ES256.kid }),
      'token signature does not match the identity provider’s key',
    ],
  ])('a token is refused with a clear message: %s', async (_what, token, message) => {
    await expect(openVerifier().verify(token)).rejects.toEqual(refusal(message))
  })
})

describe('readiness', () => {
  it('the readiness check fetches the keys before the first token', async () => {
    const provider = makeProvider(documents)
    const verifier = openVerifier({ jwksUrl }, provider)
    expect(await verifier.checkReady()).toBe(true)
    expect(await verifier.checkReady()).toBe(true)
    expect(provider.asked).toEqual([jwksUrl])
  })
})
