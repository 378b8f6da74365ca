/** What OPA is asked, and that a request cannot change what the question says about its caller. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../../src/protocol/query.ts'
import { buildOpaInput, type OpaForm } from '../../../src/server/policy/opa-input.ts'
import { buildConditions } from '../../../src/server/policy/request-conditions.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { makeRequest, root, session } from '../../support/server/policy-requests.ts'

interface Input {
  readonly conditions: Readonly<Record<string, readonly string[]>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly originalAction?: string
}

interface Sent {
  readonly headers?: readonly (readonly [string, string])[]
  readonly query?: readonly (readonly [string, string])[]
}

function ask(principal: Principal, sent: Sent = {}, form: OpaForm = 'opa'): Input {
  const request = {
    headers: new Map((sent.headers ?? []).map(([name, value]) => [name.toLowerCase(), value])),
    query: parseQuery(
      String(
        new URLSearchParams(
          (sent.query ?? []).map(([name, value]): [string, string] => [name, value]),
        ),
      ),
    ),
    remoteAddress: '127.0.0.1',
    isTls: false,
    receivedAtMs: 1_800_000_000_000,
  }
  const conditions = buildConditions(request, { principal })
  return buildOpaInput({ ...makeRequest({ principal }), conditions }, form) as Input
}

const claims = {
  sub: 'f00',
  iss: 'https://id.example.com',
  azp: 'app',
  department: 'ops',
  Team: 'red',
  clientHost: '10.0.0.1',
  realm_access: { roles: ['auditor'] },
  aud: ['app', 'account'],
  email_verified: true,
}
const alice: Principal = { ...session, subject: 'f00', claims }

describe('what OPA is asked about a role', () => {
  const names = ['sts:RoleArn', 'sts:ExternalId', 'aws:TagKeys', 'aws:RequestTag/team']

  it('OPA is told the role and the parameters of the request', () => {
    const conditions = new Map(names.map((name) => [name, ['x']] as const))
    const question = { ...makeRequest({ principal: alice }), conditions }
    const asked = buildOpaInput(question, 'opa') as Input
    for (const name of names) expect(asked.conditions[name]).toEqual(['x'])
  })

  it('neither a claim nor a parameter of the query passes for one of them', () => {
    const named = Object.fromEntries(names.map((name) => [name, 'forged']))
    const query = Object.entries(named)
    const asked = ask({ ...alice, claims: { ...claims, ...named } }, { query })
    for (const name of names) expect(asked.conditions[name]).toBeUndefined()
  })
})

describe('the claims in OPA’s input', () => {
  it('OPA gets all claims with their types, and string claims in the conditions too', () => {
    const input = ask(alice)
    expect(input.claims).toEqual({ ...claims, accessKey: session.accessKey })
    expect(input.conditions).toMatchObject({
      sub: ['f00'],
      department: ['ops'],
      Team: ['red'],
      team: ['red'],
      clientHost: ['10.0.0.1'],
      clienthost: ['10.0.0.1'],
      accessKey: [session.accessKey],
    })
    for (const name of ['realm_access', 'aud', 'email_verified'])
      expect(input.conditions).not.toHaveProperty(name)
  })

  it('a claim does not take the place of a fact of the server or of a request’s header', () => {
    const names = {
      SourceIp: '6.6.6.6',
      principaltype: 'Account',
      prefix: 'secret/',
      'X-Amz-Storage-Class': 'X',
      versionid: '1',
      'Object-Lock-Mode': 'GOVERNANCE',
    }
    const { conditions, claims: shown } = ask({ ...alice, claims: names })
    expect(shown).toMatchObject(names)
    expect(Object.values(conditions).flat()).not.toContain('6.6.6.6')
    expect(conditions).toMatchObject({ SourceIp: ['127.0.0.1'], principaltype: ['AssumedRole'] })
    for (const name of ['prefix', 'X-Amz-Storage-Class', 'Object-Lock-Mode'])
      expect(conditions).not.toHaveProperty(name)
  })

  it.each(['opa', 'plugin'] as const)(
    'nothing that a request sends changes what the %s form says of claims',
    (form) => {
      const names = fc.oneof(
        fc.constantFrom(
          ...Object.keys(claims),
          'policy',
          'groups',
          'username',
          'userid',
          'user',
          'Role',
          'role',
          'email',
          'name',
          'SUB',
          'accessKey',
          'accesskey',
          'parent',
          'roleArn',
          'Sub',
          'scope',
          'upn',
          'preferred_username',
        ),
        fc.stringMatching(/^[A-Za-z_]{1,12}$/),
      )
      const pairs = fc.array(fc.tuple(names, fc.constant('forged')), { maxLength: 5 })
      const isRequestName =
        /^(prefix|delimiter|marker|acl|cors|delete|location|select|tagging|versions|website|torrent|uploads|restore|logging|metrics|lifecycle|inventory|replication|retention|attributes|analytics|encryption|notification|accelerate|versioning|policyStatus|uploadId|versionId|partNumber|versionid|requestPayment|UserAgent|Referer|Accept|Connection|Date|Expect|Expires|Forwarded|Origin|Pragma|Priority|Range|Te|Traceparent|Tracestate|Trailer|Upgrade|Via|Digest)$/
      fc.assert(
        fc.property(
          pairs,
          pairs,
          fc.constantFrom(alice, { ...alice, claims: {} }, root),
          (headers, query, principal) => {
            const clean = ask(principal, {}, form)
            const { conditions, claims: shown } = ask(principal, { headers, query }, form)
            expect(shown).toEqual(clean.claims)
            const differing = Object.entries(conditions).filter(
              ([name, values]) => String(clean.conditions[name]) !== String(values),
            )
            for (const [name] of differing) expect(name).toMatch(isRequestName)
            for (const [name, values] of Object.entries(clean.conditions))
              if (!isRequestName.test(name)) expect(conditions[name]).toEqual(values)
          },
        ),
      )
    },
  )

  it('OPA gets no secret that a request sends, under any name', () => {
    const text = JSON.stringify(
      ask(alice, {
        headers: [
          ['Authorization', 'AWS4-HMAC-SHA256 Credential=s3cret'],
          ['X-Amz-Security-Token', 's3cret'],
          ['Cookie', 's3cret'],
        ],
        query: [
          ['X-Amz-Signature', 's3cret'],
          ['X-Amz-Security-Token', 's3cret'],
          ['Token', 's3cret'],
        ],
      }),
    )
    expect(text).not.toContain('s3cret')
  })
})

describe('who asks, in OPA’s input', () => {
  it('the form of MinIO until 2022 names the access key twice', () => {
    const { conditions, ...rest } = ask(alice)
    expect(conditions).toMatchObject({
      userid: [session.accessKey],
      username: [session.accessKey],
    })
    expect(rest).not.toHaveProperty('originalAction')
  })

  it('the form of the plugin names the parent user, the groups and an original action', () => {
    const input = ask({ ...alice, groups: ['ops'] }, { query: [['groups', 'admins']] }, 'plugin')
    // The hash of `openid:f00:https://id.example.com`, which is MinIO's parent user.
    const parent = 'vt6taB8Jum5piKnMLoLsZlMJT9u97scEggk7cyADePc'
    expect(input.conditions).toMatchObject({
      userid: [parent],
      username: [parent],
      groups: ['ops'],
    })
    expect(input.originalAction).toBe('')
    expect(ask({ ...alice, claims: { parent: 'svc' } }, {}, 'plugin').conditions).toMatchObject({
      username: ['svc'],
    })
    expect(ask(root, {}, 'plugin').conditions).toMatchObject({ username: ['minio'] })
  })

  it('an LDAP session has its names, and a claim username is the name', () => {
    const ldapUser = 'uid=alice,dc=example'
    const ldap = { ...alice, claims: { ldapUser, ldapUsername: 'alice' } }
    for (const form of ['opa', 'plugin'] as const)
      expect(ask(ldap, {}, form).conditions).toMatchObject({
        user: [ldapUser],
        username: ['alice'],
      })
    expect(ask({ ...alice, claims: { username: 'al' } }).conditions).toMatchObject({
      username: ['al'],
    })
  })
})
