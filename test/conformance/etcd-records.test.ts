/** Compares the entries that this server writes to etcd with those that `minio gateway s3` of 2022 wrote for the same tokens. */
import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isObject, parseJsonObject, type JsonObject } from '../../src/base/parse.ts'
import { verifySessionToken } from '../../src/protocol/jwt/session-token.ts'
import type { SessionRequest } from '../../src/server/sessions/session-store.ts'
import { openStore, startEtcd, type OpenedStore } from '../support/server/etcd-harness.ts'
import type { FakeEtcd } from '../support/server/fake-etcd.ts'
import { readEtcdRecords, recordedRootSecret, type EtcdRecord } from './recording.ts'

const rootKey = createSecretKey(recordedRootSecret, 'utf8')
const records = readEtcdRecords()
const identities = records.filter(({ key }) => key.startsWith('config/iam/sts/'))
const mapped = records.find(({ key }) => key.startsWith('config/iam/policydb/'))

/** A recorded identity, as the login that created it. */
interface Login {
  readonly record: EtcdRecord
  readonly request: SessionRequest
  /** The claims of the recorded session token. */
  readonly claims: JsonObject
}

function readLogin(record: EtcdRecord): Login {
  const credentials = credentialsOf(record.value)
  const claims = verifySessionToken(String(credentials['sessionToken']), rootKey) ?? {}
  const { accessKey: _, sessionPolicy, ...passed } = claims
  const policy = typeof sessionPolicy === 'string' ? sessionPolicy : undefined
  const request = {
    subject: String(claims['sub']),
    claims: passed,
    policyNames: [String(claims['policy'])],
    sessionPolicy: policy === undefined ? undefined : Buffer.from(policy, 'base64').toString(),
    groups: [],
    expiresAtMs: Date.parse(String(credentials['expiration'])),
  }
  return { record, request, claims }
}

function credentialsOf(value: JsonObject): JsonObject {
  const { credentials } = value
  if (!isObject(credentials)) throw new Error('the record is of no identity')
  return credentials
}

/** Adds the groups that an identity provider may put into its token; MinIO passes them on like any other claim. */
function withGroups({ record, request, claims }: Login): Login {
  const groups = ['staff', 'ops']
  return {
    record,
    request: { ...request, groups, claims: { ...request.claims, groups } },
    claims: { ...claims, groups },
  }
}

interface Written {
  readonly etcd: FakeEtcd
  readonly store: OpenedStore['store']
  readonly identity: JsonObject
  readonly mapping: JsonObject
  readonly accessKeyId: string
  readonly sessionToken: string
}

async function write(request: SessionRequest): Promise<Written> {
  const etcd = await startEtcd()
  // The limit is long enough for any machine, so that the write is complete when the test looks at etcd.
  const { store } = await openStore(etcd, { limitMs: 60_000 })
  const { accessKeyId, sessionToken } = await store.issue(request)
  const read = (key: string): JsonObject =>
    parseJsonObject(etcd.entries.get(key)?.value ?? '') ?? {}
  const key = [...etcd.entries.keys()].find((name) => name.includes('/sts-users/')) ?? ''
  const identity = read(`config/iam/sts/${accessKeyId}/identity.json`)
  return { etcd, store, identity, mapping: read(key), accessKeyId, sessionToken }
}

/** Returns every field with its value; a field that is random or depends on the clock has its format instead. */
function fieldsOf(value: JsonObject): unknown {
  return Object.entries(value).map(([name, inner]) => {
    if (isObject(inner)) return [name, fieldsOf(inner)]
    return [name, typeof inner === 'string' ? (formOf(name, inner) ?? inner) : inner]
  })
}

function formOf(name: string, text: string): string | undefined {
  const forms: Readonly<Record<string, RegExp>> = {
    accessKey: /^[A-Z0-9]{20}$/,
    secretKey: /^[A-Za-z0-9+]{40}$/,
    sessionToken: /^eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9\.[\w-]+\.[\w-]{86}$/,
    updatedAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/,
  }
  const form = forms[name]
  return form?.test(text) === true ? form.source : undefined
}

const logins = identities.map(readLogin)

describe('etcd entries for a token', () => {
  it.each(logins)('the entry has MinIO’s fields and order: $record.key', async (login) => {
    const { identity, mapping } = await write(login.request)
    expect(fieldsOf(identity)).toEqual(fieldsOf(login.record.value))
    expect(fieldsOf(mapping)).toEqual(fieldsOf(mapped?.value ?? {}))
  })

  it.each(logins)('an entry has no groups where MinIO has none: $record.key', async (login) => {
    const { identity, mapping } = await write(withGroups(login).request)
    expect(fieldsOf(identity)).toEqual(fieldsOf(login.record.value))
    expect(fieldsOf(mapping)).toEqual(fieldsOf(mapped?.value ?? {}))
  })

  it.each([...logins, ...logins.map(withGroups)])(
    'a session token has MinIO’s claims and one claim of this server: $record.key',
    async ({ request, claims }) => {
      const { accessKeyId, sessionToken } = await write(request)
      const { 'sts-cli': own, ...others } = verifySessionToken(sessionToken, rootKey) ?? {}
      expect(others).toEqual({ ...claims, accessKey: accessKeyId })
      expect(isObject(own)).toBe(true)
    },
  )

  it('entries are only under the keys that MinIO uses', async () => {
    for (const login of logins.map(withGroups)) {
      const { etcd, accessKeyId } = await write(login.request)
      expect([...etcd.entries.keys()].toSorted()).toEqual([
        mapped?.key,
        `config/iam/sts/${accessKeyId}/identity.json`,
      ])
    }
  })

  it('a session has the groups of its token', async () => {
    for (const login of logins.map(withGroups)) {
      const { store, accessKeyId, sessionToken } = await write(login.request)
      expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({
        principal: { groups: ['staff', 'ops'], policyNames: ['readwrite'] },
      })
    }
  })
})

describe('etcd entries for an LDAP user', () => {
  it('the groups of an LDAP user are in the identity, where MinIO has them, and not in the token', async () => {
    const dn = 'uid=alice,ou=people,dc=example,dc=org'
    const groups = ['cn=ops,dc=example,dc=org']
    const [login] = logins
    const { identity, store, accessKeyId, sessionToken } = await write({
      subject: dn,
      claims: { ldapUser: dn, ldapUsername: 'alice' },
      policyNames: ['readwrite'],
      sessionPolicy: undefined,
      groups,
      expiresAtMs: login?.request.expiresAtMs ?? 0,
    })
    const recorded = credentialsOf(login?.record.value ?? {})
    expect(Object.keys(credentialsOf(identity))).toEqual([...Object.keys(recorded), 'groups'])
    expect(identity).toMatchObject({ credentials: { parentUser: dn, groups } })
    expect(verifySessionToken(sessionToken, rootKey)).not.toHaveProperty('groups')
    expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({ principal: { groups } })
  })
})
