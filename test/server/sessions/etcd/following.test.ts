/** Changes by other servers and by etcd itself, as one store sees them. */
import { describe, expect, it } from 'vitest'
import { createDerivedSessions } from '../../../../src/server/sessions/derived-sessions.ts'
import type { SessionLookup, SessionStore } from '../../../../src/server/sessions/session-store.ts'
import { findParentUser } from '../../../../src/server/sessions/session-tokens.ts'
import type { FakeEtcd } from '../../../support/server/fake-etcd.ts'
import {
  nowMs,
  openStore,
  request,
  startEtcd,
  until,
} from '../../../support/server/etcd-harness.ts'

interface Issued {
  readonly accessKeyId: string
  readonly sessionToken: string
}

async function outcomeOf(store: SessionStore, issued: Issued): Promise<SessionLookup['outcome']> {
  return (await store.lookUp(issued.accessKeyId, issued.sessionToken)).outcome
}

const untilRevoked = (store: SessionStore, issued: Issued): Promise<void> =>
  until(async () => (await outcomeOf(store, issued)) === 'revoked')

async function openTwo(etcd: FakeEtcd) {
  return [(await openStore(etcd)).store, (await openStore(etcd)).store] as const
}

describe('two servers on one etcd', () => {
  it('a server accepts the sessions of another at once, without a request to etcd', async () => {
    const etcd = await startEtcd()
    const [one, other] = await openTwo(etcd)
    const issued = await one.issue(request)
    etcd.behave('silent')
    expect(await other.lookUp(issued.accessKeyId, issued.sessionToken)).toMatchObject({
      outcome: 'found',
      secretAccessKey: issued.secretAccessKey,
    })
  })

  it('a server refuses a session that another server revoked, also if it starts later', async () => {
    const etcd = await startEtcd()
    const [one, other] = await openTwo(etcd)
    const [gone, kept] = [await one.issue(request), await one.issue(request)]
    await one.revoke({ accessKeyId: gone.accessKeyId })
    expect(await outcomeOf(one, gone)).toBe('revoked')
    await untilRevoked(other, gone)
    const { store: late } = await openStore(etcd)
    expect(await outcomeOf(late, gone)).toBe('revoked')
    for (const store of [one, other, late]) expect(await outcomeOf(store, kept)).toBe('found')
  })

  it('a revoked session’s identity is deleted from etcd, so that MinIO refuses it too', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    const [gone, kept] = [await store.issue(request), await store.issue(request)]
    const keyOf = ({ accessKeyId }: Issued): string => `config/iam/sts/${accessKeyId}/identity.json`
    await store.revoke({ accessKeyId: gone.accessKeyId })
    await until(() => !etcd.entries.has(keyOf(gone)))
    expect(etcd.entries.has(keyOf(kept))).toBe(true)
    await store.revoke({ user: 'alice', revokeType: undefined })
    await until(() => !etcd.entries.has(keyOf(kept)))
  })

  it.each([
    ['MinIO’s name of the user', findParentUser(request)],
    ['the subject', 'alice'],
  ])('a revocation by %s revokes only that user’s earlier sessions', async (_what, user) => {
    const etcd = await startEtcd()
    const clock = { nowMs: nowMs() }
    const options = { nowMs: () => clock.nowMs }
    const one = (await openStore(etcd, options)).store
    const other = (await openStore(etcd, options)).store
    const mine = await one.issue(request)
    const hers = await one.issue({ ...request, subject: 'bob' })
    await one.revoke({ user, revokeType: undefined })
    clock.nowMs += 1
    const later = await one.issue(request)
    await untilRevoked(other, mine)
    for (const store of [one, other]) {
      expect(await outcomeOf(store, mine)).toBe('revoked')
      expect(await outcomeOf(store, hers)).toBe('found')
      expect(await outcomeOf(store, later)).toBe('found')
    }
  })

  it('a revocation of one type leaves the user’s other sessions', async () => {
    const etcd = await startEtcd()
    const [one, other] = await openTwo(etcd)
    const claims = (tokenRevokeType: string) => ({ ...request.claims, tokenRevokeType })
    const laptop = await one.issue({ ...request, claims: claims('laptop') })
    const job = await one.issue({ ...request, claims: claims('ci/job') })
    const plain = await one.issue(request)
    await one.revoke({ user: 'alice', revokeType: 'ci/job' })
    await untilRevoked(other, job)
    for (const kept of [laptop, plain]) expect(await outcomeOf(other, kept)).toBe('found')
  })

  it('servers with and without etcd accept each other’s sessions', async () => {
    const { store } = await openStore(await startEtcd())
    const alone = createDerivedSessions({ rootSecret: 'minio123', nowMs })
    const [shared, derived] = [await store.issue(request), await alone.issue(request)]
    expect(await outcomeOf(alone, shared)).toBe('found')
    expect(await outcomeOf(store, derived)).toBe('found')
  })
})

describe('changes in etcd', () => {
  const policy = 'config/iam/policies/own/policy.json'
  const document = { Version: '2012-10-17', Statement: [] }

  it('policies are added and removed with etcd, in MinIO’s format and the bare one of 2018', async () => {
    const etcd = await startEtcd()
    etcd.put('config/iam/policies/old/policy.json', JSON.stringify(document))
    const { policies } = await openStore(etcd)
    expect(policies.get('old')).toBe(JSON.stringify(document))
    etcd.put(policy, JSON.stringify({ Version: 1, Policy: document }))
    await until(() => policies.get('own') === JSON.stringify(document))
    etcd.delete(policy)
    await until(() => policies.has('own') && policies.get('own') === undefined)
  })

  it('changes in etcd are seen after the watch was cut, and after etcd was unreachable', async () => {
    const etcd = await startEtcd()
    const { policies, lines, store } = await openStore(etcd)
    etcd.cutWatches()
    etcd.put(policy, '{"first":1}')
    await until(() => policies.get('own') === '{"first":1}')
    etcd.behave({ status: 503, body: '{"error":"etcdserver: no leader","code":14}' })
    await until(async () => !(await store.checkReady()))
    etcd.put(policy, '{"second":2}')
    etcd.behave(undefined)
    await until(() => policies.get('own') === '{"second":2}')
    await until(() => store.checkReady())
    expect(lines.filter(({ level }) => level === 'error').length).toBeGreaterThan(0)
  })

  it('everything is read again if the missed changes were compacted, and deleted entries disappear', async () => {
    const etcd = await startEtcd()
    etcd.put(policy, '{}')
    const { policies } = await openStore(etcd)
    etcd.behave({ status: 503, body: '{"error":"etcdserver: no leader","code":14}' })
    etcd.delete(policy)
    etcd.put('config/iam/policies/new/policy.json', '{}')
    etcd.compact()
    etcd.behave(undefined)
    await until(() => policies.get('own') === undefined)
    expect(policies.get('new')).toBe('{}')
  })

  it.each([
    ['that is not JSON', 'what is this', 'it is not what MinIO writes there'],
    ['that is a list', '[]', 'it is not what MinIO writes there'],
    ['that is huge', `{"x":"${'x'.repeat(70_000)}"}`, 'bytes'],
    ['that MinIO encrypted', Buffer.from([1, 0x80, 0, 0, 0, 0xff, 0xfe]), 'encrypted'],
  ])('a value in etcd %s is logged and not used', async (_what, value, reason) => {
    const etcd = await startEtcd()
    etcd.put(policy, value)
    const { store, lines, policies } = await openStore(etcd)
    const folders = ['sts/0123456789ABCDEFGHIJ/identity.json', 'policydb/sts-users/u.json']
    for (const folder of folders) etcd.put(`config/iam/${folder}`, value)
    await until(() => lines.length >= 3)
    expect(lines).toEqual(
      [policy, ...folders.map((folder) => `config/iam/${folder}`)].map((key) => ({
        level: 'warn',
        facts: { key, reason: expect.stringContaining(reason) as string },
        message: 'a value in etcd cannot be read and is left alone',
      })),
    )
    // A policy of the same name from elsewhere must not take its place.
    expect(policies.get('own')).toBe('')
    expect(await outcomeOf(store, await store.issue(request))).toBe('found')
    expect(JSON.stringify(lines)).not.toContain('what is this')
  })

  it('a store ignores the entries of another key prefix', async () => {
    const etcd = await startEtcd()
    const at = (keyPrefix: string) => ({
      etcd: { endpoints: [etcd.url], keyPrefix, tls: {}, user: undefined },
    })
    const [mine, theirs] = [await openStore(etcd, at('a/')), await openStore(etcd, at('b/'))]
    etcd.put(`a/${policy}`, '{}')
    await until(() => mine.policies.has('own'))
    const issued = await mine.store.issue(request)
    expect([...etcd.entries.keys()].filter((key) => !key.startsWith('a/'))).toEqual([])
    await mine.store.revoke({ accessKeyId: issued.accessKeyId })
    etcd.put(`b/${policy}`, '{}')
    await until(() => theirs.policies.has('own'))
    expect(await outcomeOf(theirs.store, issued)).toBe('found')
  })
})
