/** Users, groups and service accounts that `mc admin` created in the same etcd. */
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

/** Opens a store on an etcd with these entries. */
async function openOn(fill: (etcd: FakeEtcd) => void): Promise<OpenedStore & { etcd: FakeEtcd }> {
  const etcd = await startEtcd()
  fill(etcd)
  return { ...(await openStore(etcd)), etcd }
}

const outcomeOf = async (store: SessionStore, key: string): Promise<string> =>
  (await store.lookUp(key, undefined)).outcome

const embedded = '{"Version":"2012-10-17","Statement":[]}'
const policyClaim = { sessionPolicy: Buffer.from(embedded).toString('base64') }

describe('users from mc admin', () => {
  it('a user from mc admin is found by the access key, with the policies of the user and its groups', async () => {
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

  it('a user from mc admin without a policy has no permissions', async () => {
    const { store } = await openOn((etcd) => putUser(etcd, 'alice'))
    expect(await store.lookUp('alice', undefined)).toMatchObject({ principal: { policyNames: [] } })
  })

  it('a user from mc admin loses the policies of a group that is disabled or that the user left', async () => {
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

  it('a user from mc admin is refused when disabled, and unknown when deleted', async () => {
    const { store, etcd } = await openOn((filled) => putUser(filled, 'alice'))
    expect(await outcomeOf(store, 'alice')).toBe('found')
    putUser(etcd, 'alice', { status: 'off' })
    await until(async () => (await outcomeOf(store, 'alice')) === 'disabled')
    etcd.delete('config/iam/users/alice/identity.json')
    await until(async () => (await outcomeOf(store, 'alice')) === 'unknown')
  })

  it('a user from mc admin is refused with a session token', async () => {
    const { store } = await openOn((etcd) => putUser(etcd, 'alice'))
    expect(await store.lookUp('alice', 'x')).toMatchObject({ outcome: 'wrong-token' })
  })

  it.each<[string, JsonObject]>([
    ['an unknown status', { status: 'paused' }],
    ['no status', { status: undefined }],
    ['the access key of another', { accessKey: 'bob' }],
    ['a secret that is too short', { secretKey: 'short' }],
    ['no secret', { secretKey: undefined }],
    ['a parent', { parentUser: 'minio' }],
    ['a session token', { sessionToken: 'x' }],
    ['an invalid expiry', { expiration: 'never' }],
  ])('a user with %s is unknown, and the log names the key', async (_what, change) => {
    const { store, lines } = await openOn((etcd) => putUser(etcd, 'alice', change))
    expect(await outcomeOf(store, 'alice')).toBe('unknown')
    expect(lines).toMatchObject([
      { level: 'warn', facts: { key: 'config/iam/users/alice/identity.json' } },
    ])
    expect(JSON.stringify(lines)).not.toContain(secretKey)
  })

  it('a user is refused while a group cannot be read, since its policy could be a deny', async () => {
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

describe('requests signed by a user from mc admin', () => {
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

  it('a request signed by a user from mc admin has that user as its principal', async () => {
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

  it('only a client with the secret learns that a user is disabled', async () => {
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

describe('credentials that MinIO issued to a user from mc admin', () => {
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

  it('credentials from MinIO have the policies of the user and its groups', async () => {
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

  it('credentials from MinIO are revoked when their user is disabled', async () => {
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

describe('service accounts from mc admin', () => {
  it.each<[string, JsonObject, string | undefined]>([
    ['the policies of its user', {}, undefined],
    [
      'the policies of its user, limited by its own policy',
      { 'sa-policy': 'embedded-policy', ...policyClaim },
      embedded,
    ],
  ])('a service account has %s', async (_what, claims, sessionPolicy) => {
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

  it('a service account of root may do everything that its own policy allows', async () => {
    const { store } = await openOn((etcd) => putService(etcd, { parent: 'minio' }))
    expect(await store.lookUp(serviceKey, undefined)).toMatchObject({
      principal: { kind: 'session', policyNames: ['consoleAdmin'] },
    })
  })

  it('a service account of an LDAP user has that user’s policies, groups and names', async () => {
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

  it('a service account is refused if its user is disabled', async () => {
    const { store } = await openOn((etcd) => {
      putUser(etcd, 'alice', { status: 'off' })
      putService(etcd)
    })
    expect(await outcomeOf(store, serviceKey)).toBe('disabled')
  })

  it('a service account expires at its expiration', async () => {
    const end = new Date(nowMs()).toISOString()
    const { store } = await openOn((etcd) => putService(etcd, {}, { expiration: end }))
    expect(await outcomeOf(store, serviceKey)).toBe('expired')
  })

  it('a service account can be revoked', async () => {
    const { store } = await openOn((etcd) => putService(etcd))
    await store.revoke({ accessKeyId: serviceKey })
    expect(await outcomeOf(store, serviceKey)).toBe('revoked')
  })

  it.each<[string, JsonObject, JsonObject]>([
    ['an unknown policy type', { 'sa-policy': 'other' }, {}],
    ['no policy type', { 'sa-policy': undefined }, {}],
    ['a missing embedded policy', { 'sa-policy': 'embedded-policy' }, {}],
    ['an unexpected embedded policy', policyClaim, {}],
    ['another parent than in its token', {}, { parentUser: 'bob' }],
    ['the token of another', { accessKey: 'X'.repeat(20) }, {}],
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
  ])('a service account with %s is not found', async (_what, claims, change) => {
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
