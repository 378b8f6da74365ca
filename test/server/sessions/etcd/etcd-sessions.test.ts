import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { isObject, parseJsonObject } from '../../../../src/base/parse.ts'
import {
  nowMs,
  openStore,
  request,
  startEtcd,
  until,
} from '../../../support/server/etcd-harness.ts'

interface Recorded {
  readonly key: string
  readonly value: {
    readonly credentials?: { accessKey: string; secretKey: string; sessionToken: string }
  }
}

/** The entries that `minio gateway s3` of 2022 left in an etcd 3.4; its root secret was minio123. */
const recorded = JSON.parse(
  readFileSync(
    path.join(import.meta.dirname, '..', '..', '..', 'vectors', 'etcd-minio-2022-gateway.json'),
    'utf8',
  ),
) as Recorded[]
const identity = recorded.find(({ key }) => key.startsWith('config/iam/sts/'))
const theirs = identity?.value.credentials ?? { accessKey: '', secretKey: '', sessionToken: '' }
const theirParent = 'Jjb5z_DIMv3D47d0-538ww-8QGhIBM5ph9kQc1APWKw'

const text = (name: string): string =>
  JSON.stringify(recorded.find(({ key }) => key === name)?.value)

function shapeOf(value: unknown): unknown {
  if (!isObject(value)) return typeof value
  return Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)])
}

describe('credentials from MinIO of 2022', () => {
  it('credentials from MinIO are found from the start, with the policies that are mapped to their user', async () => {
    const etcd = await startEtcd()
    for (const { key, value } of recorded) etcd.put(key, JSON.stringify(value))
    const { store, lines } = await openStore(etcd)
    for (const { value } of recorded.filter(({ key }) => key.startsWith('config/iam/sts/'))) {
      const { accessKey = '', secretKey, sessionToken } = value.credentials ?? {}
      expect(await store.lookUp(accessKey, sessionToken)).toMatchObject({
        outcome: 'found',
        secretAccessKey: secretKey,
        principal: {
          accessKey,
          subject: '4df75e4e-12a1-4003-9ab0-a6567f8bf326',
          policyNames: ['readwrite'],
        },
      })
    }
    expect(lines).toEqual([])
  })

  it('credentials from MinIO have their session policy and their claims', async () => {
    const etcd = await startEtcd()
    for (const { key, value } of recorded) etcd.put(key, JSON.stringify(value))
    const { store } = await openStore(etcd)
    const { credentials } =
      recorded.find(({ key }) => key.includes('/0377FX50Z4EY372TD0LN/'))?.value ?? {}
    const lookup = await store.lookUp('0377FX50Z4EY372TD0LN', credentials?.sessionToken)
    expect(lookup).toMatchObject({
      principal: {
        sessionPolicy: '{"Version":"2012-10-17","Statement":[]}',
        claims: { iss: 'http://127.0.0.1:8080/realms/quickstart', scope: 'profile email' },
        expiresAtMs: Date.parse('2026-11-23T17:34:02Z'),
      },
    })
  })

  it('credentials from MinIO are found as soon as they are issued, by a read before the watch reports them', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    const key = `config/iam/sts/${theirs.accessKey}/identity.json`
    expect(await store.lookUp(theirs.accessKey, theirs.sessionToken)).toEqual({
      outcome: 'unknown',
    })
    etcd.put(key, text(key))
    expect(await store.lookUp(theirs.accessKey, theirs.sessionToken)).toMatchObject({
      outcome: 'found',
      // Without a mapping, the policies come from the token's own claim.
      principal: { policyNames: ['readwrite'] },
    })
  })

  it('etcd is not asked about an access key without its valid token', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd, { heartbeatMs: 60_000 })
    await until(() => etcd.calls.includes('/v3/watch'))
    const before = etcd.calls.length
    await store.lookUp('A'.repeat(20), undefined)
    await store.lookUp('A'.repeat(20), theirs.sessionToken)
    await store.lookUp(theirs.accessKey, `${theirs.sessionToken}x`)
    expect(etcd.calls.length).toBe(before)
  })

  it('credentials from MinIO end when they are deleted, disabled, expired or of another root', async () => {
    const etcd = await startEtcd()
    const key = `config/iam/sts/${theirs.accessKey}/identity.json`
    etcd.put(key, text(key))
    const { store } = await openStore(etcd)
    const lookUp = (): Promise<string> =>
      store.lookUp(theirs.accessKey, theirs.sessionToken).then(({ outcome }) => outcome)
    expect(await lookUp()).toBe('found')
    etcd.put(key, text(key).replace('"status":"on"', '"status":"off"'))
    await until(async () => (await lookUp()) === 'revoked')
    etcd.delete(key)
    await until(async () => (await lookUp()) === 'unknown')

    etcd.put(key, text(key))
    const late = await openStore(etcd, { nowMs: () => Date.parse('2026-11-23T17:34:30Z') })
    const found = await late.store.lookUp(theirs.accessKey, theirs.sessionToken)
    expect(found).toEqual({ outcome: 'expired' })
    const stranger = await openStore(etcd, { rootSecret: 'another-root-secret' })
    const unknown = await stranger.store.lookUp(theirs.accessKey, theirs.sessionToken)
    expect(unknown).toMatchObject({ outcome: 'wrong-token' })
    // The answer is as if they did not exist: a client with the secret must not learn that they do.
    expect(unknown).not.toMatchObject({ secretAccessKey: theirs.secretKey })
  })

  it('credentials from MinIO need exactly the stored token', async () => {
    const etcd = await startEtcd()
    for (const { key, value } of recorded) etcd.put(key, JSON.stringify(value))
    const { store } = await openStore(etcd)
    const secretAccessKey = theirs.secretKey
    for (const token of [`${theirs.sessionToken.slice(0, -2)}xx`, 'x'])
      expect(await store.lookUp(theirs.accessKey, token)).toEqual({
        outcome: 'wrong-token',
        secretAccessKey,
      })
    expect(await store.lookUp(theirs.accessKey, undefined)).toEqual({
      outcome: 'missing-token',
      secretAccessKey,
    })
  })
})

describe('entries written to etcd', () => {
  it('an entry has MinIO’s keys, names, order and lifetime', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    const issued = await store.issue({
      ...request,
      subject: '4df75e4e-12a1-4003-9ab0-a6567f8bf326',
      claims: { iss: 'http://127.0.0.1:8080/realms/quickstart' },
      policyNames: ['readwrite'],
    })
    const identityKey = `config/iam/sts/${issued.accessKeyId}/identity.json`
    // The subject and the issuer are those of the recorded session, and so is the parent.
    const mappingKey = `config/iam/policydb/sts-users/${theirParent}.json`
    expect([...etcd.entries.keys()].toSorted()).toEqual([mappingKey, identityKey])
    for (const [key, example] of [
      [identityKey, identity?.key ?? ''],
      [mappingKey, mappingKey],
    ] as const) {
      const entry = etcd.entries.get(key)
      expect(shapeOf(JSON.parse(entry?.value ?? ''))).toEqual(shapeOf(JSON.parse(text(example))))
      const seconds = etcd.leases.get(entry?.lease ?? '') ?? 0
      expect(seconds).toBeGreaterThanOrEqual(3600)
      expect(seconds).toBeLessThanOrEqual(3612)
    }
    expect(parseJsonObject(etcd.entries.get(identityKey)?.value ?? '')).toMatchObject({
      credentials: {
        accessKey: issued.accessKeyId,
        secretKey: issued.secretAccessKey,
        expiration: '2026-11-23T17:40:00Z',
        sessionToken: issued.sessionToken,
        status: 'on',
        parentUser: theirParent,
      },
    })
  })

  it('an entry contains a token with its claims where MinIO expects them', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd, { policyClaim: 'minio_policy' })
    const { sessionToken, accessKeyId } = await store.issue({
      ...request,
      sessionPolicy: '{"Version":"2012-10-17"}',
      claims: { ...request.claims, sessionPolicy: 'forged', roleArn: 'forged', 'sa-policy': 'x' },
    })
    const payload = sessionToken.split('.')[1] ?? ''
    const { 'sts-cli': _, ...claims } =
      parseJsonObject(Buffer.from(payload, 'base64url').toString('utf8')) ?? {}
    expect(claims).toEqual({
      accessKey: accessKeyId,
      exp: request.expiresAtMs / 1000 - 0.25,
      iss: 'https://idp.example',
      sub: 'alice',
      policy: ['readonly', 'own'],
      minio_policy: 'readonly,own',
      sessionPolicy: Buffer.from('{"Version":"2012-10-17"}').toString('base64'),
    })
  })

  it('a session of root has no policy mapping', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    const claims = { parent: 'minio' }
    const issued = await store.issue({ ...request, subject: 'minio', claims })
    expect([...etcd.entries.keys()]).toEqual([`config/iam/sts/${issued.accessKeyId}/identity.json`])
  })

  it('a hundred sessions are written together, in few transactions with one lease', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    await Promise.all(Array.from({ length: 100 }, () => store.issue(request)))
    expect(etcd.entries.size).toBe(101)
    expect(etcd.leases.size).toBe(1)
    expect(etcd.calls.filter((call) => call === '/v3/kv/txn').length).toBeLessThan(10)
  })

  it('a longer session keeps its policies when a shorter one of the same user is issued', async () => {
    const etcd = await startEtcd()
    const { store, policies } = await openStore(etcd)
    await store.issue(request)
    // Once the store has heard of this entry, it has heard of its own before it.
    etcd.put('config/iam/policies/later/policy.json', '{}')
    await until(() => policies.has('later'))
    const key = [...etcd.entries.keys()].find((name) => name.includes('sts-users')) ?? ''
    const { lease } = etcd.entries.get(key) ?? {}
    const other = ['readwrite']
    const expiresAtMs = nowMs() + 900_000
    await store.issue({ ...request, expiresAtMs })
    expect(etcd.entries.get(key)?.lease).toBe(lease)
    await store.issue({ ...request, policyNames: other, expiresAtMs })
    expect(etcd.entries.get(key)).toMatchObject({
      lease,
      value: expect.stringContaining('readwrite') as string,
    })
  })

  it('a new lease is created if the old one has expired', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    const first = await store.issue(request)
    etcd.expireLease([...etcd.leases.keys()][0] ?? '')
    const { accessKeyId } = await store.issue(request)
    expect([...etcd.entries.keys()]).toContain(`config/iam/sts/${accessKeyId}/identity.json`)
    // The token contains everything: a session that etcd lost is still valid.
    expect(await store.lookUp(first.accessKeyId, first.sessionToken)).toMatchObject({
      outcome: 'found',
    })
  })
})
