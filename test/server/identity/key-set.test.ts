import { describe, expect, it } from 'vitest'
import { createKeySet, type KeySet } from '../../../src/server/identity/key-set.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { keySet as allKeys, makeHmacToken, makeToken, signers } from '../../support/tokens.ts'
import { jwksUrl, makeProvider, type FakeProvider } from '../../support/server/fake-provider.ts'

const { RS256, ES256, EdDSA } = signers
const rsOnly = { keys: [RS256.publicJwk] }
const secondMs = 1000

function openKeySet(provider: FakeProvider): KeySet {
  return createKeySet({ ...provider, findJwksUrl: async () => jwksUrl })
}

function openVerifier(provider: FakeProvider): (token: string) => Promise<string> {
  const verifier = createTokenVerifier({ ...provider, jwksUrl })
  return async (token) => {
    try {
      return (await verifier.verify(token)).subject
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }
}

describe('a key set', () => {
  it('a key set is empty and fetches nothing until it is refreshed', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const keys = openKeySet(provider)
    expect(keys.hasKeys()).toBe(false)
    expect(keys.findCached(RS256.kid)).toBeUndefined()
    expect(provider.asked).toEqual([])
    await keys.refresh()
    expect(keys.hasKeys()).toBe(true)
    expect(keys.findCached(RS256.kid)).toMatchObject({ kid: RS256.kid })
  })

  it('concurrent refreshes of a key set share one fetch', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const keys = openKeySet(provider)
    const release = provider.hold()
    const waiting = Array.from({ length: 100 }, () => keys.refresh())
    expect(keys.canRefresh()).toBe(true)
    release()
    await Promise.all(waiting)
    expect(provider.asked).toEqual([jwksUrl])
  })

  it('a token without a kid is verified with the only key, and with none if there are several', async () => {
    const provider = makeProvider({ [jwksUrl]: rsOnly })
    const keys = openKeySet(provider)
    await keys.refresh()
    expect(keys.findCached(undefined)).toMatchObject({ kid: RS256.kid })
    expect(keys.findCached('another')).toBeUndefined()
    provider.documents.set(jwksUrl, allKeys)
    await keys.refresh()
    expect(keys.findCached(undefined)).toBeUndefined()
  })

  it('a single key without a kid is used for every token', async () => {
    const { kid: _kid, ...nameless } = RS256.publicJwk
    const keys = openKeySet(makeProvider({ [jwksUrl]: { keys: [nameless] } }))
    await keys.refresh()
    expect(keys.findCached('any')).toMatchObject({ type: 'RSA' })
  })

  it('a key that the provider removed is no longer used', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const keys = openKeySet(provider)
    await keys.refresh()
    provider.documents.set(jwksUrl, rsOnly)
    await keys.refresh()
    expect(keys.findCached(ES256.kid)).toBeUndefined()
  })

  it.each<[string, unknown]>([
    ['an error', new Error('ECONNREFUSED')],
    ['text', 'hello'],
    ['an object without keys', { error: 'no' }],
    ['keys that are not a list', { keys: 'x' }],
    ['no key', { keys: [] }],
    ['no usable key', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }],
  ])('the old keys stay in use if a fetch gives %s, with a log line', async (_what, document) => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const keys = openKeySet(provider)
    await keys.refresh()
    provider.documents.set(jwksUrl, document)
    await keys.refresh()
    expect(keys.findCached(EdDSA.kid)).toBeDefined()
    expect(provider.logged.at(-1)).toMatch(/^warn key set could not be loaded .*"keptKeys":4/)
  })

  it('a key set is refreshed in the background when it is ten minutes old', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const keys = openKeySet(provider)
    await keys.refresh()
    provider.clock.nowMs += 600 * secondMs - 1
    await keys.ensureFresh()
    expect(provider.asked).toHaveLength(1)
    provider.clock.nowMs += 1
    provider.hold()
    await Promise.all([keys.ensureFresh(), keys.ensureFresh()])
    expect(keys.hasKeys()).toBe(true)
    expect(provider.asked).toHaveLength(2)
  })
})

describe('fetches of the key set', () => {
  it('the first tokens share one fetch of the key set, however many there are', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const verify = openVerifier(provider)
    const token = makeToken(RS256)
    const release = provider.hold()
    const waiting = Array.from({ length: 200 }, () => verify(token))
    release()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['alice']))
    expect(provider.asked).toHaveLength(1)
  })

  it('a token with a key that was rotated right after the first load is verified at once', async () => {
    const provider = makeProvider({ [jwksUrl]: rsOnly })
    const verify = openVerifier(provider)
    expect(await verify(makeToken(RS256))).toBe('alice')
    provider.documents.set(jwksUrl, allKeys)
    expect(await verify(makeToken(ES256))).toBe('alice')
    expect(provider.asked).toHaveLength(2)
  })

  it('tokens do not cause repeated fetches if the provider has no keys', async () => {
    const provider = makeProvider({ [jwksUrl]: { keys: [] } })
    const verify = openVerifier(provider)
    for (let i = 0; i < 20; i += 1)
      expect(await verify(makeToken(RS256))).toBe('ServiceUnavailable')
    expect(provider.asked).toHaveLength(1)
  })

  it('tokens with invented kids cause one fetch, then one in 30 seconds', async () => {
    const provider = makeProvider({ [jwksUrl]: rsOnly })
    const verify = openVerifier(provider)
    expect(await verify(makeToken(RS256))).toBe('alice')
    for (const [laterMs, fetches] of [
      [0, 2],
      [29_999, 2],
      [1, 3],
      [29_999, 3],
      [1, 4],
    ] as const) {
      provider.clock.nowMs += laterMs
      const flood = Array.from({ length: 50 }, (_, i) => makeToken(RS256, {}, { kid: `k${i}` }))
      const answers = await Promise.all(flood.map(verify))
      expect(new Set(answers)).toEqual(new Set(['InvalidParameterValue']))
      expect(provider.asked).toHaveLength(fetches)
    }
  })

  it('forged, expired and malformed tokens cause no fetch', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const verify = openVerifier(provider)
    await verify(makeToken(RS256))
    provider.clock.nowMs += 31 * secondMs
    await verify(`${makeToken(RS256).slice(0, -4)}AAAA`)
    await verify(makeToken(RS256, { exp: 1 }))
    await verify('garbage')
    expect(provider.asked).toHaveLength(1)
  })

  it('tokens are verified with the cached keys during an outage', async () => {
    const provider = makeProvider({ [jwksUrl]: allKeys })
    const verify = openVerifier(provider)
    await verify(makeToken(RS256))
    provider.documents.set(jwksUrl, new Error('down'))
    provider.clock.nowMs += 20 * 60 * secondMs
    expect(await verify(makeToken(ES256))).toBe('alice')
    expect(await verify(makeToken(RS256, {}, { kid: 'new' }))).toBe('InvalidParameterValue')
    expect(await verify(makeToken(RS256))).toBe('alice')
  })

  it('tokens get 503 until the provider answers, which is asked every 30 seconds', async () => {
    const provider = makeProvider({})
    const verify = openVerifier(provider)
    expect(await verify(makeToken(RS256))).toBe('ServiceUnavailable')
    provider.documents.set(jwksUrl, allKeys)
    expect(await verify(makeToken(RS256))).toBe('ServiceUnavailable')
    expect(provider.asked).toHaveLength(1)
    provider.clock.nowMs += 30 * secondMs
    expect(await verify(makeToken(RS256))).toBe('alice')
  })

  it.each<[string, unknown]>([
    ['is garbage', 'not a key set'],
    ['is empty', { keys: [] }],
    ['has only an HMAC key', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'h', alg: 'HS256' }] }],
  ])('tokens get 503 if the key set %s', async (_what, document) => {
    const verify = openVerifier(makeProvider({ [jwksUrl]: document }))
    expect(await verify(makeToken(RS256))).toBe('ServiceUnavailable')
  })

  it('a token is never verified with an HMAC key of the set, or without a key', async () => {
    const oct = { kty: 'oct', k: Buffer.from('secret').toString('base64url') }
    const keys = [{ ...oct, kid: 'h', alg: 'HS256' }, { kty: 'none', kid: 'n' }, RS256.publicJwk]
    const verify = openVerifier(makeProvider({ [jwksUrl]: { keys } }))
    expect(await verify(makeToken(RS256))).toBe('alice')
    expect(await verify(makeHmacToken('secret', 'h'))).toBe('InvalidParameterValue')
    const none = makeToken(RS256, {}, { alg: 'none', kid: 'n' })
    expect(await verify(none)).toBe('InvalidParameterValue')
    expect(await verify(`${none.slice(0, none.lastIndexOf('.'))}.`)).toBe('InvalidParameterValue')
  })
})
