import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createModelStore } from '../../../src/server/issuer/model-store.ts'
import { openIssuer, type Answer, type TestIssuer } from '../../support/server/issuer-harness.ts'

function openStore(limits = {}) {
  const clock = { nowMs: 0 }
  const store = createModelStore({
    nowMs: () => clock.nowMs,
    toFullError: () => new Error('full'),
    toTooLargeError: () => new Error('too large'),
    limits,
  })
  return { clock, store }
}

const strangers = ['Session', 'Interaction', 'PushedAuthorizationRequest', 'ReplayDetection']

describe('the model store of the identity provider', () => {
  it('the entries of users remain, however many anonymous requests there are', async () => {
    const { store } = openStore()
    const kinds = ['Grant', 'RefreshToken', 'AuthorizationCode', 'Session', 'DeviceCode']
    for (const kind of kinds) await store(kind).upsert('mine', { accountId: 'ann' }, 600)
    const pending = store('DeviceCode')
    await pending.upsert('pending', { userCode: 'ABCD' }, 600)
    for (let i = 0; i < 20_000; i += 1) {
      for (const kind of strangers) await store(kind).upsert(`${i}`, { uid: `uid ${i}` }, 600)
      await pending.upsert(`${i}`, { userCode: `${i}` }, 600).catch(() => {})
    }
    for (const kind of kinds) expect(await store(kind).find('mine')).toBeDefined()
    expect(await pending.findByUserCode('ABCD')).toBeDefined()
  })

  it('anonymous entries are limited by type, and the oldest is removed', async () => {
    const { store } = openStore({ maxAnonymous: 3 })
    const sessions = store('Session')
    const logins = store('Interaction')
    await logins.upsert('login', {}, 600)
    for (const id of ['a', 'b', 'c', 'd']) await sessions.upsert(id, { uid: `uid ${id}` }, 600)
    expect(await sessions.find('a')).toBeUndefined()
    expect(await sessions.findByUid('uid a')).toBeUndefined()
    expect(await sessions.findByUid('uid b')).toBeDefined()
    expect(await logins.find('login')).toBeDefined()
  })

  it('the entries of each user are limited separately', async () => {
    const { store } = openStore({ maxPerAccount: 2 })
    const tokens = store('RefreshToken')
    await tokens.upsert('ann', { accountId: 'ann' }, 600)
    for (const id of ['1', '2', '3']) await tokens.upsert(id, { accountId: 'bob' }, 600)
    expect(await tokens.find('ann')).toBeDefined()
    expect(await tokens.find('1')).toBeUndefined()
    expect(await tokens.find('3')).toBeDefined()
  })

  it('a device login is refused while too many are pending, until one is approved or expires', async () => {
    const { store, clock } = openStore({ maxPendingDevices: 2 })
    const codes = store('DeviceCode')
    await codes.upsert('a', { userCode: 'A' }, 600)
    clock.nowMs += 1000
    await codes.upsert('b', { userCode: 'B' }, 600)
    await expect(codes.upsert('c', { userCode: 'C' }, 600)).rejects.toThrow('full')
    expect(await codes.findByUserCode('A')).toBeDefined()
    // A pending one that is saved again needs no additional room.
    await codes.upsert('b', { userCode: 'B', inFlight: true }, 600)
    await codes.upsert('b', { userCode: 'B', accountId: 'ann' }, 600)
    await codes.upsert('c', { userCode: 'C' }, 600)
    clock.nowMs += 600_000
    await codes.upsert('d', { userCode: 'D' }, 600)
    expect(await codes.findByUserCode('A')).toBeUndefined()
  })

  it('an anonymous entry is limited in size', async () => {
    const { store } = openStore()
    const params = { state: 'x'.repeat(8192) }
    await expect(store('Interaction').upsert('a', { params }, 600)).rejects.toThrow('too large')
    expect(await store('Interaction').find('a')).toBeUndefined()
  })

  it('entries are removed with their grant, except a login that continues', async () => {
    const { store } = openStore()
    const under = { accountId: 'ann', grantId: 'g' }
    for (const kind of ['RefreshToken', 'AuthorizationCode', 'Interaction'])
      await store(kind).upsert('x', under, 600)
    await store('RefreshToken').upsert('other', { accountId: 'ann', grantId: 'h' }, 600)
    await store('AccessToken').revokeByGrantId('g')
    expect(await store('RefreshToken').find('x')).toBeUndefined()
    expect(await store('AuthorizationCode').find('x')).toBeUndefined()
    expect(await store('Interaction').find('x')).toBeDefined()
    expect(await store('RefreshToken').find('other')).toBeDefined()
  })

  it('an entry is found by ID and by index until it expires or is removed, in any order of operations', async () => {
    const operation = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      accountId: fc.constantFrom(undefined, 'ann', 'bob'),
      userCode: fc.constantFrom('A', 'B', 'C'),
      seconds: fc.integer({ min: 1, max: 100 }),
      isRemoved: fc.boolean(),
      passedMs: fc.integer({ min: 0, max: 50_000 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        const { store, clock } = openStore()
        const adapter = store('DeviceCode')
        const model = new Map<string, { userCode: string; endsAtMs: number }>()
        for (const { id, accountId, userCode: code, seconds, isRemoved, passedMs } of operations) {
          clock.nowMs += passedMs
          // No two codes are the same: the library makes them at random.
          const userCode = `${code}${id}`
          if (isRemoved) {
            model.delete(id)
            await adapter.destroy(id)
          } else {
            model.set(id, { userCode, endsAtMs: clock.nowMs + seconds * 1000 })
            await adapter.upsert(id, { accountId, userCode }, seconds)
          }
          for (const known of ['a', 'b', 'c']) {
            const expected = model.get(known)
            const isThere = expected !== undefined && clock.nowMs < expected.endsAtMs
            expect((await adapter.find(known)) !== undefined).toBe(isThere)
            for (const letter of ['A', 'B', 'C']) {
              const found = await adapter.findByUserCode(`${letter}${known}`)
              expect(found !== undefined).toBe(isThere && expected.userCode === `${letter}${known}`)
            }
          }
        }
      }),
    )
  })
})

const verifier = 'v'.repeat(64)
const challenge = createHash('sha256').update(verifier).digest('base64url')
const redirectUri = 'http://127.0.0.1:1/callback'

function authorize({ ask }: TestIssuer): Promise<Answer> {
  const query = new URLSearchParams({
    client_id: 'sts-cli',
    response_type: 'code',
    scope: 'openid offline_access',
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  return ask({ path: `/oauth2/authorize?${query.toString()}` })
}

/** Returns the cookies for a browser, and the target of a redirect. */
function follow({ headers }: Answer, earlier: readonly string[] = []) {
  const set = [headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0] ?? '')
  const kept = new Map([...earlier, ...set].map((pair) => [pair.split('=')[0], pair]))
  const cookies = [...kept.values()]
  return {
    path: String(headers['location'] ?? ''),
    cookies,
    headers: { cookie: cookies.join('; ') },
  }
}

async function signIn(issuer: TestIssuer, begun: Answer): Promise<string> {
  const { ask } = issuer
  const page = follow(begun)
  const form = { username: 'ann', password: 'right' }
  const posted = await ask({ path: page.path, headers: page.headers, form })
  const resume = follow(posted, page.cookies)
  const resumed = await ask({ path: resume.path, headers: resume.headers })
  const code = new URL(String(resumed.headers['location'])).searchParams.get('code') ?? ''
  const answer = await ask({
    path: '/oauth2/token',
    form: {
      grant_type: 'authorization_code',
      client_id: 'sts-cli',
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
    },
  })
  return (JSON.parse(answer.body) as { refresh_token: string }).refresh_token
}

describe('a flood of anonymous requests', () => {
  it('a flood of anonymous requests removes neither a signed-in user nor a pending device login', async () => {
    const issuer = await openIssuer({ limits: { maxAnonymous: 20, maxPendingDevices: 10 } })
    const { ask } = issuer
    const refreshToken = await signIn(issuer, await authorize(issuer))
    const connect = () =>
      ask({ path: '/oauth2/device_authorization', form: { client_id: 'sts-cli' } })
    const device = JSON.parse((await connect()).body) as { device_code: string }
    const statuses = new Set<number>()
    for (let i = 0; i < 40; i += 1) {
      expect((await authorize(issuer)).status).toBe(303)
      const { status, headers, body } = await connect()
      statuses.add(status)
      if (status === 200) continue
      expect(headers['retry-after']).toBe('5')
      expect(JSON.parse(body)).toMatchObject({ error: 'temporarily_unavailable' })
    }
    expect([...statuses]).toEqual([200, 503])

    const polled = await ask({
      path: '/oauth2/token',
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        client_id: 'sts-cli',
        device_code: device.device_code,
      },
    })
    expect(JSON.parse(polled.body)).toMatchObject({ error: 'authorization_pending' })
    const refreshed = await ask({
      path: '/oauth2/token',
      form: {
        grant_type: 'refresh_token',
        client_id: 'sts-cli',
        refresh_token: refreshToken,
      },
    })
    expect(refreshed.status).toBe(200)
    // The next user can still sign in.
    expect(await signIn(issuer, await authorize(issuer))).toBeTruthy()
  })

  it('an authorization request with overlong parameters is refused', async () => {
    const { ask } = await openIssuer()
    const query = `client_id=sts-cli&response_type=code&scope=openid&redirect_uri=${encodeURIComponent(redirectUri)}&code_challenge=${challenge}&code_challenge_method=S256`
    const { status } = await ask({ path: `/oauth2/authorize?${query}&state=${'x'.repeat(6000)}` })
    expect(status).toBeGreaterThanOrEqual(300)
    expect(status).toBeLessThan(500)
  })
})
