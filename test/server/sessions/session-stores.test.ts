import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { openEtcdSessions } from '../../../src/server/sessions/etcd/etcd-sessions.ts'
import type {
  SessionLookup,
  SessionRequest,
  SessionStore,
} from '../../../src/server/sessions/session-store.ts'
import { type FakeEtcd, startFakeEtcd } from '../../support/server/fake-etcd.ts'

interface StoreOptions {
  readonly rootSecret: string
  readonly nowMs: () => number
}

/** One line for each backend; each must satisfy the contract of `session-store.ts`. */
const backends: readonly {
  name: string
  open: (options: StoreOptions) => Promise<SessionStore>
}[] = [
  { name: 'derived', open: async (options) => createDerivedSessions(options) },
  {
    name: 'etcd',
    open: (options) =>
      openEtcdSessions({
        ...options,
        etcd: { endpoints: [etcd.url], keyPrefix: '', tls: {}, user: undefined },
        rootAccessKeyId: 'minio',
        policyClaim: 'policy',
        log: silentLog,
        onPolicy: () => {},
      }),
  },
]

let etcd: FakeEtcd
beforeAll(async () => {
  etcd = await startFakeEtcd()
})
afterAll(() => etcd.stop())

const startMs = Date.parse('2026-11-23T16:33:27.595Z')
const rootSecret = 'a-root-secret-of-some-length-000'

const request: SessionRequest = {
  subject: 'alice',
  claims: { sub: 'alice', email: 'a@b.example', n: 1, list: ['x'] },
  policyNames: ['readwrite', 'own'],
  sessionPolicy: '{"Version":"2012-10-17","Statement":[]} ü',
  groups: ['staff'],
  roleSessionName: 'job-7',
  expiresAtMs: startMs + 3_600_000,
}

function changeAt(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

describe.each(backends)('sessions of the $name store', ({ open }) => {
  const clock = { nowMs: startMs }
  const nowMs = (): number => clock.nowMs
  let store: SessionStore

  beforeAll(async () => {
    store = await open({ rootSecret, nowMs })
  })
  afterAll(() => store.close())

  /** Looks a session up at another time of the clock. */
  async function lookUpAt(
    atMs: number,
    ...key: Parameters<SessionStore['lookUp']>
  ): Promise<SessionLookup> {
    clock.nowMs = atMs
    try {
      return await store.lookUp(...key)
    } finally {
      clock.nowMs = startMs
    }
  }

  it('the tags, the source identity and the limits of a session are found as they were issued', async () => {
    const facts = {
      claims: {
        'https://aws.amazon.com/tags': {
          principal_tags: { team: ['blue'] },
          transitive_tag_keys: ['team'],
        },
      },
      sourceIdentity: 'alice',
      sessionPolicyNames: ['readonly'],
    }
    const issued = await store.issue({ ...request, ...facts })
    expect(await store.lookUp(issued.accessKeyId, issued.sessionToken)).toMatchObject({
      principal: facts,
    })
  })

  it('a session is found as it was issued', async () => {
    const issued = await store.issue(request)
    expect(await store.lookUp(issued.accessKeyId, issued.sessionToken)).toEqual({
      outcome: 'found',
      secretAccessKey: issued.secretAccessKey,
      principal: {
        kind: 'session',
        accessKey: issued.accessKeyId,
        subject: 'alice',
        claims: request.claims,
        policyNames: ['readwrite', 'own'],
        sessionPolicy: request.sessionPolicy,
        groups: ['staff'],
        roleSessionName: 'job-7',
        expiresAtMs: Math.floor(request.expiresAtMs / 1000) * 1000,
        issuedAtMs: startMs,
      },
    })
  })

  it('a session without groups and session policy is found without them', async () => {
    const issued = await store.issue({ ...request, groups: [], sessionPolicy: undefined })
    expect(await store.lookUp(issued.accessKeyId, issued.sessionToken)).toMatchObject({
      principal: { groups: [], sessionPolicy: undefined },
    })
  })

  it('a session has keys in MinIO’s format and an expiry in whole seconds', async () => {
    const issued = await store.issue(request)
    expect(issued.accessKeyId).toMatch(/^[A-Z0-9]{20}$/)
    expect(issued.secretAccessKey).toMatch(/^[A-Za-z0-9+]{40}$/)
    expect(issued.expirationText).toBe('2026-11-23T17:33:27Z')
    expect(issued.expiration).toEqual(new Date(issued.expirationText))
  })

  it('no two sessions have the same keys', async () => {
    const issued = await Promise.all(Array.from({ length: 500 }, () => store.issue(request)))
    expect(new Set(issued.map(({ accessKeyId }) => accessKeyId)).size).toBe(500)
    expect(new Set(issued.map(({ secretAccessKey }) => secretAccessKey)).size).toBe(500)
  })

  it('a session is found until its last second, and is then expired, not unknown', async () => {
    const { accessKeyId, sessionToken, expiration } = await store.issue(request)
    const endMs = expiration.getTime()
    expect(await lookUpAt(endMs - 1, accessKeyId, sessionToken)).toMatchObject({ outcome: 'found' })
    expect(await lookUpAt(endMs, accessKeyId, sessionToken)).toEqual({ outcome: 'expired' })
    expect(await lookUpAt(endMs + 1e12, accessKeyId, sessionToken)).toEqual({ outcome: 'expired' })
  })

  it.each([undefined, ''])('a session is not found without its token: %j', async (missing) => {
    const { accessKeyId, secretAccessKey } = await store.issue(request)
    const outcome = await store.lookUp(accessKeyId, missing)
    expect(outcome).toEqual({ outcome: 'missing-token', secretAccessKey })
  })

  it('a session is not found with the token of another session', async () => {
    const [mine, other] = await Promise.all([store.issue(request), store.issue(request)])
    expect(await store.lookUp(mine.accessKeyId, other.sessionToken)).toEqual({
      outcome: 'wrong-token',
      secretAccessKey: mine.secretAccessKey,
    })
  })

  it('a session is not found with a token that was changed at any character', async () => {
    const { accessKeyId, sessionToken } = await store.issue(request)
    const found = new Set<string>()
    for (let at = 0; at < sessionToken.length; at += 1) {
      const { outcome } = await store.lookUp(accessKeyId, changeAt(sessionToken, at))
      found.add(outcome)
    }
    expect([...found]).toEqual(['wrong-token'])
  })

  it('a session issued under another root secret is not found', async () => {
    const other = await open({ rootSecret: `${rootSecret}x`, nowMs })
    const foreign = await other.issue(request)
    const lookup = await store.lookUp(foreign.accessKeyId, foreign.sessionToken)
    expect(lookup.outcome).toMatch(/^(wrong-token|unknown)$/)
    expect(lookup).not.toMatchObject({ secretAccessKey: foreign.secretAccessKey })
    await other.close()
  })

  it.each(['', 'x', 'root-user', 'nuiborzytv2hg2bmrsxr', '../../../../etc/passw', 'A'.repeat(21)])(
    'a session is unknown by the access key %j',
    async (accessKeyId) => {
      const { sessionToken } = await store.issue(request)
      expect(await store.lookUp(accessKeyId, sessionToken)).toEqual({ outcome: 'unknown' })
    },
  )

  it('a revoked session is reported as revoked, and the others remain', async () => {
    const [gone, kept] = await Promise.all([store.issue(request), store.issue(request)])
    await store.revoke({ accessKeyId: gone.accessKeyId })
    expect(await store.lookUp(gone.accessKeyId, gone.sessionToken)).toEqual({ outcome: 'revoked' })
    expect(await store.lookUp(kept.accessKeyId, kept.sessionToken)).toMatchObject({
      outcome: 'found',
    })
  })

  it('a session whose token is too long for a header is refused, and the error names the largest claim', async () => {
    const claims = { sub: 'alice', groups: Array.from({ length: 900 }, (_, i) => `group-${i}`) }
    const refusal = store.issue({ ...request, claims })
    await expect(refusal).rejects.toBeInstanceOf(AwsError)
    await expect(refusal).rejects.toMatchObject({
      code: 'InvalidParameterValue',
      message: expect.stringMatching(/more than the 8192 a header can hold.*groups/) as unknown,
    })
  })

  it('a session whose token just fits a header is issued', async () => {
    const { sessionToken: short } = await store.issue({ ...request, claims: { pad: '' } })
    const room = Math.floor(((8192 - short.length) * 3) / 4) - 4
    const { accessKeyId, sessionToken } = await store.issue({
      ...request,
      claims: { pad: 'x'.repeat(room) },
    })
    expect(sessionToken.length).toBeGreaterThan(8180)
    expect(sessionToken.length).toBeLessThanOrEqual(8192)
    expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({ outcome: 'found' })
  })

  it('the session store is ready', async () => {
    expect(await store.checkReady()).toBe(true)
  })
})
