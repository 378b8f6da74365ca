/** Users, groups and service accounts that `mc admin` made in the same etcd. */
import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/base/parse.ts'
import { emptySha256 } from '../../../../src/protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../../../src/protocol/sigv4/sign.ts'
import { createRequestAuthenticator } from '../../../../src/server/identity/request-authenticator.ts'
import { signSessionToken } from '../../../../src/protocol/jwt/session-token.ts'
import type { SessionStore } from '../../../../src/server/sessions/session-store.ts'
import {
  nowMs,
  openStore,
  startEtcd,
  until,
  type OpenedStore,
} from '../../../support/server/etcd-harness.ts'
import type { FakeEtcd } from '../../../support/server/fake-etcd.ts'

const updatedAt = '2026-11-20T10:00:00Z'
const secretKey = 'alice-secret-key'
const serviceKey = 'SVCACCT0SVCACCT0SVCA'
const rootKey = createSecretKey('minio123', 'utf8')

function putUser(etcd: FakeEtcd, name: string, change: JsonObject = {}): void {
  const expiration = '0001-01-01T00:00:00Z'
  const credentials = { accessKey: name, secretKey, expiration, status: 'on', ...change }
  put(etcd, `users/${name}/identity`, { version: 1, credentials, updatedAt })
}

function putService(etcd: FakeEtcd, claims: JsonObject = {}, change: JsonObject = {}): void {
  const said = {
    accessKey: serviceKey,
    parent: 'alice',
    'sa-policy': 'inherited-policy',
    ...claims,
  }
  const credentials = {
    accessKey: serviceKey,
    secretKey: 'service-secret',
    expiration: '1970-01-01T00:00:00Z',
    sessionToken: signSessionToken(said, rootKey),
    status: 'on',
    parentUser: said.parent,
    ...change,
  }
  put(etcd, `service-accounts/${serviceKey}/identity`, { version: 1, credentials, updatedAt })
}

function putGroup(etcd: FakeEtcd, name: string, members: unknown, status = 'enabled'): void {
  put(etcd, `groups/${name}/members`, { version: 1, status, members, updatedAt })
}

function map(etcd: FakeEtcd, owner: string, policy: string): void {
  put(etcd, `policydb/${owner}`, { version: 1, policy, updatedAt })
}

function put(etcd: FakeEtcd, key: string, value: object): void {
  etcd.put(`config/iam/${key}.json`, JSON.stringify(value))
}

/** Opens a store on an etcd that was filled before. */
async function openOn(fill: (etcd: FakeEtcd) => void): Promise<OpenedStore & { etcd: FakeEtcd }> {
  const etcd = await startEtcd()
  fill(etcd)
  return { ...(await openStore(etcd)), etcd }
}

const outcomeOf = async (store: SessionStore, key: string): Promise<string> =>
  (await store.lookUp(key, undefined)).outcome

const embedded = '{"Version":"2012-10-17","Statement":[]}'
const policyClaim = { sessionPolicy: Buffer.from(embedded).toString('base64') }

describe('a user that mc admin made', () => {
  it('is found by the access key with the policies of itself and of its groups', async () => {
    const { store, lines } = await openOn((etcd) => {
      putUser(etcd, 'alice')
      putGroup(etcd, 'ops', ['bob', 'alice'])
      putGroup(etcd, 'empty', null)
      map(etcd, 'users/alice', 'readonly,own')
      map(etcd, 'users/bob', 'consoleAdmin')
      map(etcd, 'groups/ops', 'own,writeonly')
    })
    expect(await store.lookUp('alice', undefined)).toEqual({
      outcome: 'found',
      secretAccessKey: secretKey,
      principal: {
        kind: 'session',
        accessKey: 'alice',
        subject: 'alice',
        claims: {},
        policyNames: ['readonly', 'own', 'writeonly'],
        sessionPolicy: undefined,
        groups: ['ops'],
        expiresAtMs: undefined,
        issuedAtMs: Date.parse(updatedAt),
      },
    })
    expect(lines).toEqual([])
  })

  it('has no rights without a policy', async () => {
    const { store } = await openOn((etcd) => putUser(etcd, 'alice'))
    expect(await store.lookUp('alice', undefined)).toMatchObject({ principal: { policyNames: [] } })
  })

  it('has nothing of a group that is disabled, or that it left', async () => {
    const { store, etcd } = await openOn((filled) => {
      putUser(filled, 'alice')
      putGroup(filled, 'ops', ['alice'])
      map(filled, 'groups/ops', 'readwrite')
    })
    const policies = async (): Promise<string> =>
      JSON.stringify(await store.lookUp('alice', undefined).then((found) => found))
    expect(await policies()).toContain('readwrite')
    putGroup(etcd, 'ops', ['alice'], 'disabled')
    await until(async () => !(await policies()).includes('readwrite'))
    putGroup(etcd, 'ops', ['alice'])
    await until(async () => (await policies()).includes('readwrite'))
    putGroup(etcd, 'ops', ['bob'])
    await until(async () => !(await policies()).includes('readwrite'))
  })

  it('is refused when it is disabled, and unknown when it is deleted', async () => {
    const { store, etcd } = await openOn((filled) => putUser(filled, 'alice'))
    expect(await outcomeOf(store, 'alice')).toBe('found')
    putUser(etcd, 'alice', { status: 'off' })
    await until(async () => (await outcomeOf(store, 'alice')) === 'disabled')
    etcd.delete('config/iam/users/alice/identity.json')
    await until(async () => (await outcomeOf(store, 'alice')) === 'unknown')
  })

  it('takes no session token', async () => {
    const { store } = await openOn((etcd) => putUser(etcd, 'alice'))
    expect(await store.lookUp('alice', 'x')).toMatchObject({ outcome: 'wrong-token' })
  })

  it.each<[string, JsonObject]>([
    ['a status that nobody knows', { status: 'paused' }],
    ['no status', { status: undefined }],
    ['another’s access key', { accessKey: 'bob' }],
    ['a secret that is too short', { secretKey: 'short' }],
    ['no secret', { secretKey: undefined }],
    ['a parent', { parentUser: 'minio' }],
    ['a session token', { sessionToken: 'x' }],
    ['an end that is no time', { expiration: 'never' }],
  ])('is unknown with %s, and the log names the key', async (_what, change) => {
    const { store, lines } = await openOn((etcd) => putUser(etcd, 'alice', change))
    expect(await outcomeOf(store, 'alice')).toBe('unknown')
    expect(lines).toMatchObject([
      { level: 'warn', facts: { key: 'config/iam/users/alice/identity.json' } },
    ])
    expect(JSON.stringify(lines)).not.toContain(secretKey)
  })

  it('is refused while a group cannot be read, which may deny what others allow', async () => {
    const { store, etcd } = await openOn((filled) => {
      putUser(filled, 'alice')
      putGroup(filled, 'ops', ['alice'], 'paused')
    })
    await expect(store.lookUp('alice', undefined)).rejects.toMatchObject({
      code: 'ServiceUnavailable',
    })
    etcd.delete('config/iam/groups/ops/members.json')
    await until(() =>
      outcomeOf(store, 'alice').then(
        (outcome) => outcome === 'found',
        () => false,
      ),
    )
  })
})

describe('a request that a user of mc admin signed', () => {
  const url = new URL('http://127.0.0.1:9000/bucket/key')
  const root = { accessKeyId: 'minio', secretAccessKey: 'minio123' }
  const region = 'us-east-1'

  async function sign(store: SessionStore, secretAccessKey: string): Promise<unknown> {
    const request = { method: 'GET', url, headers: {}, payloadHash: emptySha256 }
    const signer = { accessKeyId: 'alice', secretAccessKey }
    const headers = signRequest(request, signer, { region, service: 's3', nowMs: nowMs() })
    const message = {
      method: 'GET',
      rawPath: url.pathname,
      rawQuery: '',
      headers: new Map(Object.entries(headers)),
    }
    const authenticator = createRequestAuthenticator({ root, sessions: store, region, nowMs })
    const { principal } = await authenticator.authenticate(message, { service: 's3' })
    return principal
  }

  it('is that user’s', async () => {
    const { store } = await openOn((etcd) => {
      putUser(etcd, 'alice')
      map(etcd, 'users/alice', 'readonly')
    })
    expect(await sign(store, secretKey)).toMatchObject({
      kind: 'session',
      subject: 'alice',
      policyNames: ['readonly'],
    })
    await expect(sign(store, 'a-wrong-secret')).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    })
  })

  it('says that the user is disabled only to one who has the secret', async () => {
    const { store } = await openOn((etcd) => putUser(etcd, 'alice', { status: 'off' }))
    await expect(sign(store, secretKey)).rejects.toMatchObject({
      code: 'InvalidAccessKeyId',
      message: 'the access key or its user is disabled',
    })
    await expect(sign(store, 'a-wrong-secret')).rejects.toMatchObject({
      code: 'InvalidAccessKeyId',
      message: 'the access key id is not known here',
    })
  })
})

describe('credentials that a MinIO issued to a user of mc admin', () => {
  const accessKey = 'STSKEY00STSKEY00STSK'
  const exp = nowMs() / 1000 + 600
  const sessionToken = signSessionToken({ accessKey, exp, parent: 'alice' }, rootKey)

  function putSession(etcd: FakeEtcd): void {
    const credentials = {
      accessKey,
      secretKey: 'sts-secret',
      expiration: new Date(exp * 1000).toISOString(),
      sessionToken,
      status: 'on',
      parentUser: 'alice',
    }
    put(etcd, `sts/${accessKey}/identity`, { version: 1, credentials, updatedAt })
  }

  it('have the policies of the user and of its groups', async () => {
    const { store } = await openOn((etcd) => {
      putUser(etcd, 'alice')
      putGroup(etcd, 'ops', ['alice'])
      map(etcd, 'users/alice', 'readonly')
      map(etcd, 'groups/ops', 'own')
      putSession(etcd)
    })
    expect(await store.lookUp(accessKey, sessionToken)).toMatchObject({
      principal: { policyNames: ['readonly', 'own'] },
    })
  })

  it('end with the user’s being disabled', async () => {
    const { store, etcd } = await openOn((filled) => {
      putUser(filled, 'alice')
      putSession(filled)
    })
    const outcome = async (): Promise<string> =>
      (await store.lookUp(accessKey, sessionToken)).outcome
    expect(await outcome()).toBe('found')
    putUser(etcd, 'alice', { status: 'off' })
    await until(async () => (await outcome()) === 'revoked')
  })
})

describe('a service account that mc admin made', () => {
  it.each<[string, JsonObject, string | undefined]>([
    ['its user’s rights', {}, undefined],
    [
      'what its own policy leaves of them',
      { 'sa-policy': 'embedded-policy', ...policyClaim },
      embedded,
    ],
  ])('has %s', async (_what, claims, sessionPolicy) => {
    const { store } = await openOn((etcd) => {
      putUser(etcd, 'alice')
      putGroup(etcd, 'ops', ['alice'])
      putService(etcd, claims)
      map(etcd, 'users/alice', 'readonly')
      map(etcd, 'groups/ops', 'own')
    })
    expect(await store.lookUp(serviceKey, undefined)).toMatchObject({
      outcome: 'found',
      secretAccessKey: 'service-secret',
      principal: {
        accessKey: serviceKey,
        subject: 'alice',
        claims: { parent: 'alice' },
        policyNames: ['readonly', 'own'],
        groups: ['ops'],
        sessionPolicy,
        expiresAtMs: undefined,
      },
    })
  })

  it('of root may do everything that its own policy leaves', async () => {
    const { store } = await openOn((etcd) => putService(etcd, { parent: 'minio' }))
    expect(await store.lookUp(serviceKey, undefined)).toMatchObject({
      principal: { kind: 'session', policyNames: ['consoleAdmin'] },
    })
  })

  it('of a directory’s user has that user’s policies, groups and names', async () => {
    const parent = 'uid=alice,dc=x'
    const { store } = await openOn((etcd) => {
      putService(
        etcd,
        { parent, ldapUser: parent, ldapUsername: 'alice' },
        { groups: ['cn=ops,dc=x'] },
      )
      map(etcd, `sts-users/${parent}`, 'readonly')
      map(etcd, 'groups/cn=ops,dc=x', 'own')
    })
    expect(await store.lookUp(serviceKey, undefined)).toMatchObject({
      principal: {
        policyNames: ['readonly', 'own'],
        groups: ['cn=ops,dc=x'],
        claims: { ldapUsername: 'alice' },
      },
    })
  })

  it('is refused when its user is disabled', async () => {
    const { store } = await openOn((etcd) => {
      putUser(etcd, 'alice', { status: 'off' })
      putService(etcd)
    })
    expect(await outcomeOf(store, serviceKey)).toBe('disabled')
  })

  it('ends when it says so', async () => {
    const end = new Date(nowMs()).toISOString()
    const { store } = await openOn((etcd) => putService(etcd, {}, { expiration: end }))
    expect(await outcomeOf(store, serviceKey)).toBe('expired')
  })

  it('is gone when it was revoked', async () => {
    const { store } = await openOn((etcd) => putService(etcd))
    await store.revoke({ accessKeyId: serviceKey })
    expect(await outcomeOf(store, serviceKey)).toBe('revoked')
  })

  it.each<[string, JsonObject, JsonObject]>([
    ['rights that nobody knows', { 'sa-policy': 'other' }, {}],
    ['no word of its rights', { 'sa-policy': undefined }, {}],
    ['a policy that is missing', { 'sa-policy': 'embedded-policy' }, {}],
    ['a policy that it should not have', policyClaim, {}],
    ['another parent than its token’s', {}, { parentUser: 'bob' }],
    ['another’s token', { accessKey: 'X'.repeat(20) }, {}],
    ['no token', {}, { sessionToken: undefined }],
    ['no parent', {}, { parentUser: undefined }],
    [
      'a token under another root secret',
      {},
      {
        sessionToken: signSessionToken(
          { accessKey: serviceKey, parent: 'alice', 'sa-policy': 'inherited-policy' },
          createSecretKey('another-root-secret', 'utf8'),
        ),
      },
    ],
  ])('is not found with %s', async (_what, claims, change) => {
    const { store } = await openOn((etcd) => {
      putUser(etcd, 'alice')
      putService(etcd, claims, change)
      map(etcd, 'users/alice', 'readonly')
    })
    const lookup = await store.lookUp(serviceKey, undefined)
    expect(lookup.outcome).not.toBe('found')
    expect(lookup).not.toMatchObject({ secretAccessKey: 'service-secret' })
  })
})
