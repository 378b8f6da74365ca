import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isObject, type JsonObject } from '../../../src/base/parse.ts'
import { signSessionToken, verifySessionToken } from '../../../src/protocol/jwt/session-token.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { readOwnPrincipal } from '../../../src/server/sessions/session-claims.ts'
import type { SessionRequest } from '../../../src/server/sessions/session-store.ts'

const nowMs = (): number => Date.parse('2026-11-23T16:33:27.595Z')
const rootSecret = 'a-root-secret-of-some-length-000'
const rootKey = createSecretKey(rootSecret, 'utf8')
const store = createDerivedSessions({ rootSecret, nowMs })
const endSeconds = Math.floor(nowMs() / 1000) + 3600

const uuids = Array.from(
  { length: 400 },
  (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
)

function requestOf(claims: JsonObject, change: Partial<SessionRequest> = {}): SessionRequest {
  const base = { subject: 'alice', policyNames: ['readonly', 'own'], sessionPolicy: undefined }
  return { ...base, groups: [], expiresAtMs: endSeconds * 1000, claims, ...change }
}

async function issueClaims(request: SessionRequest): Promise<JsonObject> {
  const { sessionToken } = await store.issue(request)
  return verifySessionToken(sessionToken, rootKey) ?? {}
}

/** Returns how often a text occurs in the token. */
async function count(request: SessionRequest, text: string): Promise<number> {
  return JSON.stringify(await issueClaims(request)).split(text).length - 1
}

describe('the size of a session token', () => {
  const claims = {
    sub: 'alice',
    iss: 'https://idp.example',
    policy: ['readonly', 'own'],
    groups: ['staff', 'ops'],
    exp: endSeconds + 77,
  }
  const request = requestOf(claims, { groups: ['staff', 'ops'] })

  it.each(['alice', 'readonly', 'staff', String(endSeconds), '"exp"', '"sub"', '"groups"'])(
    'a session token contains %s once',
    async (text) => {
      expect(await count(request, text)).toBe(1)
    },
  )

  it.each<[string, JsonObject]>([
    ['policies as text', { ...claims, policy: 'readonly,own' }],
    ['groups as text', { ...claims, groups: 'staff, ops' }],
  ])('a session token contains its facts once with %s', async (_what, changed) => {
    for (const text of ['readonly', 'staff'])
      expect(await count({ ...request, claims: changed }, text)).toBe(1)
  })

  it('a session token contains the groups of an LDAP user once', async () => {
    const ldap = { ldapUser: 'uid=alice,dc=x', ldapUsername: 'alice' }
    expect(await count(requestOf(ldap, { groups: ['cn=ops,dc=x'] }), 'cn=ops,dc=x')).toBe(1)
  })

  it('a session token expires with its session, whatever the identity provider’s token said', async () => {
    expect(await issueClaims(request)).toMatchObject({ exp: endSeconds })
    const { accessKeyId, sessionToken } = await store.issue(request)
    expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({
      principal: { claims: { exp: endSeconds } },
    })
  })

  it('a session token can contain 140 groups of 36 characters', async () => {
    const groups = uuids.slice(0, 140)
    const { accessKeyId, sessionToken } = await store.issue(
      requestOf({ ...claims, groups }, { groups }),
    )
    expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({ principal: { groups } })
  })
})

describe('a session with limits that older servers do not know', () => {
  it.each<Partial<SessionRequest>>([
    { sessionPolicyNames: ['readonly'] },
    { sourceIdentity: 'alice' },
  ])('a token with %j is of a version that those servers refuse', async (change) => {
    expect(await issueClaims(requestOf({}))).toMatchObject({ 'sts-cli': { v: 2 } })
    expect(await issueClaims(requestOf({}, change))).toMatchObject({ 'sts-cli': { v: 3 } })
  })
})

describe('a session with policies by name, at a MinIO with the same root secret', () => {
  it.each([undefined, '{"Version":"2012-10-17","Statement":[]}'])(
    'has a session policy that denies everything, and here its own: %s',
    async (sessionPolicy) => {
      const issued = await issueClaims(
        requestOf({ parent: 'minio' }, { sessionPolicy, sessionPolicyNames: ['readonly'] }),
      )
      const shown = Buffer.from(String(issued['sessionPolicy']), 'base64').toString()
      expect(JSON.parse(shown)).toMatchObject({
        Statement: [{ Effect: 'Deny', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }],
      })
      const read = readOwnPrincipal(issued)
      expect(read?.sessionPolicy).toBe(sessionPolicy)
      expect(read?.sessionPolicyNames).toEqual(['readonly'])
    },
  )
})

describe('an overlong session token', () => {
  it('an overlong session token is refused, and the error names groups that no claim named', async () => {
    const ldap = { ldapUser: 'uid=alice,dc=x', ldapUsername: 'alice' }
    await expect(store.issue(requestOf(ldap, { groups: uuids }))).rejects.toMatchObject({
      message: expect.stringMatching(/largest parts are groups/) as unknown,
    })
  })
})

describe('any session', () => {
  const name = fc.string({ minLength: 1, maxLength: 8 })
  const value = fc.oneof(name, fc.integer(), fc.boolean(), fc.array(name, { maxLength: 3 }))
  const claimName = fc.oneof(
    fc.constantFrom('sub', 'policy', 'groups', 'parent', 'iss', 'sts-cli', 'accessKey'),
    fc.constantFrom('sessionPolicy', 'roleArn', 'sa-policy', 'ldapUser', 'added', 'v'),
    name,
  )
  const anyRequest = fc.record({
    subject: name,
    claims: fc.dictionary(claimName, value, { maxKeys: 8, noNullPrototype: true }),
    policyNames: fc.array(name, { maxLength: 3 }),
    sessionPolicy: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    groups: fc.array(name, { maxLength: 3 }),
    roleSessionName: fc.option(name, { nil: undefined }),
    sourceIdentity: fc.option(name, { nil: undefined }),
    sessionPolicyNames: fc.option(fc.array(name, { maxLength: 3 }), { nil: undefined }),
  })

  it('a session is read back as it was issued', async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest, async (parts) => {
        const claims = { ...parts.claims }
        delete claims['__proto__']
        delete claims['exp']
        const request = requestOf(claims, { ...parts, claims })
        const { subject, policyNames, sessionPolicy, groups, roleSessionName } = request
        const read = readOwnPrincipal(await issueClaims(request))
        expect(read).toMatchObject({
          subject,
          policyNames,
          sessionPolicy,
          groups,
          roleSessionName,
        })
        expect(read?.sessionPolicy).toBe(sessionPolicy)
        expect(read?.sourceIdentity).toBe(request.sourceIdentity)
        expect(read?.sessionPolicyNames).toEqual(request.sessionPolicyNames)
        expect(readOwnPrincipal(await issueClaims(request))?.claims).toEqual(claims)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a token of version 0.1', () => {
  const accessKey = 'A'.repeat(20)
  const own = {
    sub: 'alice',
    iat: nowMs() - 1000,
    policies: ['readonly', 'own'],
    policyClaim: 'policy',
    groups: ['staff'],
    claims: { policy: ['readonly', 'own', 'gone'], exp: endSeconds + 5, sub: 'alice' },
  }
  const first = {
    accessKey,
    exp: endSeconds,
    sub: 'alice',
    iss: 'https://idp.example',
    policy: 'readonly,own',
    groups: ['staff', 'more'],
    'sts-cli': own,
  }

  it('a token of version 0.1 is still read with its original meaning', async () => {
    const token = signSessionToken(first, rootKey)
    expect(await store.lookUp(accessKey, token)).toMatchObject({
      outcome: 'found',
      principal: {
        kind: 'session',
        accessKey,
        subject: 'alice',
        claims: {
          sub: 'alice',
          iss: 'https://idp.example',
          policy: ['readonly', 'own', 'gone'],
          groups: ['staff', 'more'],
          exp: endSeconds + 5,
        },
        policyNames: ['readonly', 'own'],
        sessionPolicy: undefined,
        groups: ['staff'],
        expiresAtMs: endSeconds * 1000,
        issuedAtMs: nowMs() - 1000,
      },
    })
  })

  it('a token of version 0.1 has only the groups and policies in its own claim', async () => {
    const { groups: _, ...without } = own
    const token = signSessionToken({ ...first, 'sts-cli': { ...without, policies: [] } }, rootKey)
    expect(await store.lookUp(accessKey, token)).toMatchObject({
      principal: { groups: [], policyNames: [] },
    })
  })

  it.each<[string, JsonObject]>([
    ['of a later version', { v: 4, iat: 1 }],
    ['with a version that is not a number', { v: '2', iat: 1 }],
    ['without an issue time', { v: 2 }],
    ['of the first version without its claims', { ...own, claims: undefined }],
  ])('a session token %s is refused', async (_what, facts) => {
    const token = signSessionToken({ ...first, 'sts-cli': facts }, rootKey)
    expect(isObject(facts)).toBe(true)
    expect(await store.lookUp(accessKey, token)).toMatchObject({ outcome: 'wrong-token' })
  })
})
