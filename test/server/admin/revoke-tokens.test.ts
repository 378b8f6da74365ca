import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/base/log.ts'
import { parseJsonObject } from '../../../src/base/parse.ts'
import { emptySha256 } from '../../../src/protocol/sigv4/canonical-request.ts'
import type { Credentials, TemporaryCredentials } from '../../../src/protocol/credentials.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { createAdminHandler } from '../../../src/server/admin/handle-admin.ts'
import { createRequestsHandler } from '../../../src/server/admin/handle-requests.ts'
import type { HttpRequest } from '../../../src/server/http/http-message.ts'
import type { RequestFacts } from '../../../src/server/http/request-facts.ts'
import { createRequestAuthenticator } from '../../../src/server/identity/request-authenticator.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { findParentUser } from '../../../src/server/sessions/session-tokens.ts'
import type { SessionRequest } from '../../../src/server/sessions/session-store.ts'
import { makeHttpRequest } from '../../support/server/make-request.ts'

const root = { accessKeyId: 'minio', secretAccessKey: 'a-root-secret-of-some-length-000' }
const clock = { nowMs: Date.parse('2026-11-23T16:33:27.595Z') }
const nowMs = (): number => clock.nowMs

function openAdmin() {
  const noted: RequestFacts[] = []
  const sessions = createDerivedSessions({ rootSecret: root.secretAccessKey, nowMs })
  const handler = createAdminHandler({
    authenticator: createRequestAuthenticator({ root, sessions, region: 'us-east-1', nowMs }),
    authorizer: combinePolicies(createIamAuthorizer({ policies: cannedPolicies })),
    sessions,
    requests: createRequestsHandler({
      ring: undefined,
      sources: { policies: cannedPolicies },
      peers: undefined,
    }),
    log: silentLog,
  })
  const base: SessionRequest = {
    subject: 'alice',
    claims: { iss: 'https://idp.example' },
    policyNames: ['readwrite'],
    sessionPolicy: undefined,
    groups: [],
    expiresAtMs: nowMs() + 3_600_000,
  }
  const issue = (changes: Partial<SessionRequest> & { revokeType?: string } = {}) => {
    const { revokeType, ...rest } = changes
    const claims =
      revokeType === undefined ? base.claims : { ...base.claims, tokenRevokeType: revokeType }
    return sessions.issue({ ...base, claims, ...rest })
  }
  const outcomeOf = async ({ accessKeyId, sessionToken }: TemporaryCredentials) =>
    (await sessions.lookUp(accessKeyId, sessionToken)).outcome
  return {
    noted,
    issue,
    outcomesOf: (...issued: TemporaryCredentials[]) => Promise.all(issued.map(outcomeOf)),
    async revoke(query: string, signedBy?: Credentials, sent: Partial<HttpRequest> = {}) {
      const url = new URL(`http://localhost:9000/minio/admin/v3/revoke-tokens/openid?${query}`)
      const unsigned = { method: 'POST', url, headers: {}, payloadHash: emptySha256 }
      const options = { region: 'us-east-1', service: 's3' as const, nowMs: nowMs() }
      const headers =
        signedBy === undefined ? { host: url.host } : signRequest(unsigned, signedBy, options)
      const { reply, facts } = await handler(
        makeHttpRequest({
          method: 'POST',
          rawPath: url.pathname,
          rawQuery: url.search.slice(1),
          headers: new Map(Object.entries(headers)),
          receivedAtMs: nowMs(),
          ...sent,
        }),
      )
      noted.push(facts)
      const code = parseJsonObject(String(reply.body ?? '{}'))?.['Code']
      return code === undefined ? reply.status : `${reply.status} ${String(code)}`
    },
  }
}

const own = findParentUser({ subject: 'alice', claims: { iss: 'https://idp.example' } })

describe('revoke-tokens', () => {
  it('the facts of revoke-tokens have its operation, its caller and its decisions', async () => {
    const { issue, revoke, noted } = openAdmin()
    const mine = await issue()
    await revoke('fullRevoke=true&user=bob', mine)
    await revoke('fullRevoke=true', mine)
    const caller = { kind: 'session', subject: 'alice', issuer: 'https://idp.example' }
    expect(noted).toMatchObject([
      {
        operation: 'RevokeTokens',
        caller: { ...caller, accessKeyId: mine.accessKeyId },
        decisions: { firstDenial: { action: 'admin:RemoveServiceAccount', isAllowed: false } },
        refusal: { code: 'AccessDenied' },
      },
      { operation: 'RevokeTokens', caller, decisions: { total: 0 }, refusal: undefined },
    ])
  })

  it('revoke-tokens revokes all earlier sessions of the caller, and no others', async () => {
    const { issue, revoke, outcomesOf } = openAdmin()
    const [mine, other, hers] = [await issue(), await issue(), await issue({ subject: 'bob' })]
    expect(await revoke('fullRevoke=true', mine)).toBe(204)
    expect(await outcomesOf(mine, other, hers)).toEqual(['revoked', 'revoked', 'found'])
    expect(await revoke('fullRevoke=true', mine)).toBe('403 InvalidAccessKeyId')
    clock.nowMs += 1
    expect(await outcomesOf(await issue())).toEqual(['found'])
  })

  it('revoke-tokens revokes one session by its access key, as a logout does', async () => {
    const { issue, revoke, outcomesOf } = openAdmin()
    const [mine, other] = [await issue(), await issue()]
    expect(await revoke(`accessKey=${mine.accessKeyId}`, mine)).toBe(204)
    expect(await outcomesOf(mine, other)).toEqual(['revoked', 'found'])
  })

  it('revoke-tokens revokes sessions of one type: the named one, or the caller’s own', async () => {
    const { issue, revoke, outcomesOf } = openAdmin()
    const [ci, ci2] = [await issue({ revokeType: 'ci' }), await issue({ revokeType: 'ci' })]
    const [laptop, plain] = [await issue({ revokeType: 'laptop' }), await issue()]
    expect(await revoke('tokenRevokeType=laptop', plain)).toBe(204)
    expect(await outcomesOf(ci, ci2, laptop, plain)).toEqual(['found', 'found', 'revoked', 'found'])
    expect(await revoke('', ci)).toBe(204)
    expect(await outcomesOf(ci, ci2, plain)).toEqual(['revoked', 'revoked', 'found'])
  })

  it('root and administrators can revoke the sessions of others, by subject or by MinIO’s user name', async () => {
    const { issue, revoke, outcomesOf } = openAdmin()
    const [first, second] = [await issue(), await issue({ subject: 'bob' })]
    const admin = await issue({ subject: 'carol', policyNames: ['consoleAdmin'] })
    expect(await revoke(`user=${own}&fullRevoke=true`, root)).toBe(204)
    expect(await revoke('user=bob&fullRevoke=true', admin)).toBe(204)
    expect(await outcomesOf(first, second, admin)).toEqual(['revoked', 'revoked', 'found'])
    expect(await revoke(`accessKey=${admin.accessKeyId}`, root)).toBe(204)
    expect(await outcomesOf(admin)).toEqual(['revoked'])
  })

  it('a user, and an administrator limited by a session policy, cannot revoke the sessions of others', async () => {
    const { issue, revoke, outcomesOf } = openAdmin()
    const [mine, hers] = [await issue(), await issue({ subject: 'bob' })]
    const narrow = await issue({
      subject: 'carol',
      policyNames: ['consoleAdmin'],
      sessionPolicy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
      }),
    })
    for (const caller of [mine, narrow]) {
      expect(await revoke('user=bob&fullRevoke=true', caller)).toBe('403 AccessDenied')
      expect(await revoke(`accessKey=${hers.accessKeyId}`, caller)).toBe('403 AccessDenied')
    }
    expect(await outcomesOf(hers)).toEqual(['found'])
    // A caller needs no permission to revoke its own sessions by name.
    expect(await revoke(`user=${own}&fullRevoke=true`, mine)).toBe(204)
  })

  it.each([
    ['', '400 InvalidArgument'],
    ['fullRevoke=false', '400 InvalidArgument'],
    ['user=bob', '400 InvalidRequest'],
    ['user=bob&fullRevoke=true&tokenRevokeType=ci', '400 InvalidRequest'],
    ['fullRevoke=true&tokenRevokeType=ci', '400 InvalidRequest'],
    ['accessKey=minio', '400 InvalidArgument'],
    [`accessKey=${'A'.repeat(20)}&fullRevoke=true`, '400 InvalidRequest'],
    [`user=${'a'.repeat(2049)}&fullRevoke=true`, '400 InvalidArgument'],
  ])('revoke-tokens refuses the query %j', async (query, refusal) => {
    const { issue, revoke } = openAdmin()
    expect(await revoke(query, await issue())).toBe(refusal)
  })

  it('revoke-tokens needs a signature in the headers of a POST to its exact path', async () => {
    const { issue, revoke, outcomesOf } = openAdmin()
    const mine = await issue()
    expect(await revoke('fullRevoke=true')).toBe('403 AccessDenied')
    const forged = { ...mine, secretAccessKey: 'x'.repeat(40) }
    expect(await revoke('fullRevoke=true', forged)).toBe('403 SignatureDoesNotMatch')
    const url = new URL('http://localhost:9000/minio/admin/v3/revoke-tokens/openid?fullRevoke=true')
    const presigned = presignUrl({ method: 'POST', url }, mine, {
      region: 'us-east-1',
      service: 's3',
      nowMs: nowMs(),
      expiresSeconds: 60,
    })
    expect(await revoke(presigned.search.slice(1))).toBe('403 AccessDenied')
    expect(await revoke('fullRevoke=true', mine, { method: 'GET' })).toBe('405 MethodNotAllowed')
    for (const rawPath of ['/minio/admin/v3/info', '/minio/admin/v3/revoke-tokens/a/b'])
      expect(await revoke('', mine, { rawPath })).toBe('501 NotImplemented')
    expect(await outcomesOf(mine)).toEqual(['found'])
  })
})
