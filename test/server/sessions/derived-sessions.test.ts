import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { generateAccessKey } from '../../../src/server/sessions/session-tokens.ts'
import type { SessionRequest } from '../../../src/server/sessions/session-store.ts'

const nowMs = (): number => Date.parse('2026-11-23T16:33:27Z')
const rootSecret = 'a-root-secret-of-some-length-000'
const request: SessionRequest = {
  subject: 'alice',
  claims: {},
  policyNames: ['readonly'],
  sessionPolicy: undefined,
  groups: [],
  expiresAtMs: nowMs() + 3_600_000,
}

describe('derived sessions', () => {
  it('a derived session is accepted by every replica with the same root secret', async () => {
    const issued = await createDerivedSessions({ rootSecret, nowMs }).issue(request)
    const replica = createDerivedSessions({ rootSecret, nowMs })
    expect(await replica.lookUp(issued.accessKeyId, issued.sessionToken)).toMatchObject({
      outcome: 'found',
      secretAccessKey: issued.secretAccessKey,
    })
  })

  it('a token that was accepted before is refused once its session has expired or is revoked', async () => {
    let now = nowMs()
    const store = createDerivedSessions({ rootSecret, nowMs: () => now })
    const [first, second] = [await store.issue(request), await store.issue(request)]
    const lookUp = async ({ accessKeyId, sessionToken }: typeof first): Promise<string> =>
      (await store.lookUp(accessKeyId, sessionToken)).outcome
    expect([await lookUp(first), await lookUp(second), await lookUp(first)]).toEqual(
      Array.from({ length: 3 }, () => 'found'),
    )
    await store.revoke({ accessKeyId: first.accessKeyId })
    expect([await lookUp(first), await lookUp(second)]).toEqual(['revoked', 'found'])
    now = request.expiresAtMs
    expect(await lookUp(second)).toBe('expired')
  })

  it('a token that was accepted before is refused with another access key or another signature', async () => {
    const store = createDerivedSessions({ rootSecret, nowMs })
    const [first, second] = [await store.issue(request), await store.issue(request)]
    const lookUp = async (accessKeyId: string, token: string): Promise<string> =>
      (await store.lookUp(accessKeyId, token)).outcome
    expect(await lookUp(first.accessKeyId, first.sessionToken)).toBe('found')
    expect(await lookUp(second.accessKeyId, first.sessionToken)).toBe('wrong-token')
    const [text, signature = ''] = first.sessionToken.split(/\.(?=[^.]*$)/)
    const other = `${text}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await lookUp(first.accessKeyId, other)).toBe('wrong-token')
  })

  it('thousands of sessions are found again, whichever were used last', async () => {
    const store = createDerivedSessions({ rootSecret, nowMs })
    const issued = await Promise.all(Array.from({ length: 1500 }, () => store.issue(request)))
    for (const { accessKeyId, sessionToken } of [...issued, ...issued.toReversed()])
      expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({
        outcome: 'found',
        principal: { accessKey: accessKeyId },
      })
  })

  it('claims of a token cannot override the claims of the server', async () => {
    const store = createDerivedSessions({ rootSecret, nowMs })
    const claims = { accessKey: 'ROOT', exp: 9e9, policyNames: ['consoleAdmin'], sub: 'root' }
    const issued = await store.issue({ ...request, claims })
    expect(await store.lookUp(issued.accessKeyId, issued.sessionToken)).toMatchObject({
      principal: {
        subject: 'alice',
        policyNames: ['readonly'],
        accessKey: issued.accessKeyId,
        expiresAtMs: request.expiresAtMs,
      },
    })
  })

  it.each([
    ['no expiry', { sub: 'alice' }],
    ['no subject', { exp: nowMs() / 1000 + 60 }],
    ['no claims', {}],
  ])('a derived session is refused if its token has %s', async (_what, claims) => {
    const accessKey = 'A'.repeat(20)
    const parts = [
      { alg: 'HS512', typ: 'JWT' },
      { accessKey, ...claims },
    ]
    const text = parts
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = createHmac('sha512', rootSecret).update(text).digest('base64url')
    const store = createDerivedSessions({ rootSecret, nowMs })
    expect(await store.lookUp(accessKey, `${text}.${signature}`)).toMatchObject({
      outcome: 'wrong-token',
    })
  })
})

describe('access keys', () => {
  it('access keys use every character of their alphabet and no other', () => {
    const keys = Array.from({ length: 2000 }, generateAccessKey)
    expect(new Set(keys).size).toBe(2000)
    expect(new Set(keys.join(''))).toEqual(new Set('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'))
    expect(keys.every((key) => key.length === 20)).toBe(true)
  })
})
