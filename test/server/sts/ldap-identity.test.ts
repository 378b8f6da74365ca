import { describe, expect, it } from 'vitest'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import { normalizeDn } from '../../../src/server/identity/ldap/distinguished-name.ts'
import type { LdapLogin, LdapUser } from '../../../src/server/identity/ldap/ldap-directory.ts'
import {
  openSts,
  requestId,
  version,
  type Parameters,
  type StsHarness,
} from '../../support/server/sts-harness.ts'

const action = 'AssumeRoleWithLDAPIdentity'
const alice: LdapUser = {
  dn: 'uid=Alice,ou=people,dc=example,dc=org',
  username: 'Alice',
  groups: ['cn=ops,dc=example,dc=org', 'cn=other,dc=example,dc=org'],
}

interface Opened extends StsHarness {
  readonly logins: LdapLogin[]
}

/** @param attached Distinguished name → policies; the operator may spell the names in another way. */
function open(
  attached: Readonly<Record<string, string[]>> = { [alice.dn]: ['readonly'] },
  changes: Changes = {},
): Opened {
  const logins: LdapLogin[] = []
  const logIn = async (login: LdapLogin): Promise<LdapUser> => {
    logins.push(login)
    if (login.password === 'right') return alice
    throw new AwsError('InvalidParameterValue', 'the LDAP user name or password is wrong')
  }
  const policies = new Map(
    Object.entries(attached).map(([dn, names]) => [normalizeDn(dn) ?? '', names]),
  )
  const ldap = { directory: { logIn, checkReady: async () => true }, policies }
  return { ...openSts({ ldap, ...changes }), logins }
}
type Changes = NonNullable<globalThis.Parameters<typeof openSts>[0]>

const ask = (changed: Parameters = {}): Parameters => ({
  Action: action,
  Version: version,
  LDAPUsername: 'alice',
  LDAPPassword: 'right',
  ...changed,
})

describe('AssumeRoleWithLDAPIdentity', () => {
  it('AssumeRoleWithLDAPIdentity grants credentials for a user name and password, by form and by query', async () => {
    for (const where of [{ form: ask() }, { query: ask() }]) {
      const sts = open()
      const answer = await sts.call(action, where)
      expect(sts.logins).toMatchObject([
        { username: 'alice', password: 'right', address: '127.0.0.1' },
      ])
      expect(await sts.inspect(answer.credentials)).toMatchObject({
        kind: 'session',
        subject: alice.dn,
        groups: alice.groups,
        policyNames: ['readonly'],
        // The session has the directory's spelling, not the typed one: policies are case-sensitive.
        claims: { ldapUser: alice.dn, ldapUsername: 'Alice' },
        expiresAtMs: sts.clock.nowMs + 3_600_000,
      })
    }
  })

  it('AssumeRoleWithLDAPIdentity answers with MinIO’s document, which does not name the user', async () => {
    const { text } = await open().send({ form: ask() })
    expect(text.replaceAll(/>[^<>]+</g, '>…<')).toContain(
      `<${action}Result><Credentials><AccessKeyId>…</AccessKeyId><SecretAccessKey>…</SecretAccessKey><SessionToken>…</SessionToken><Expiration>…</Expiration></Credentials></${action}Result><ResponseMetadata>`,
    )
    expect(text).toContain(requestId)
  })

  it.each<[string, Record<string, string[]>, string[]]>([
    ['of a group', { [alice.groups[0] ?? '']: ['readwrite'] }, ['readwrite']],
    [
      'of the user and of groups, each once',
      { [alice.dn]: ['readonly'], [alice.groups[0] ?? '']: ['readonly', 'writeonly'] },
      ['readonly', 'writeonly'],
    ],
    [
      'of a name in another spelling',
      { 'UID=alice, OU=People, DC=example, DC=org': ['readonly'] },
      ['readonly'],
    ],
  ])('AssumeRoleWithLDAPIdentity grants the policies %s', async (_what, attached, policyNames) => {
    const sts = open(attached)
    const { credentials } = await sts.call(action, { form: ask() })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames })
  })

  it('AssumeRoleWithLDAPIdentity accepts a session policy and a duration', async () => {
    const Policy = '{"Version":"2012-10-17","Statement":[]}'
    const sts = open()
    const { credentials } = await sts.call(action, {
      form: ask({ Policy, DurationSeconds: '900' }),
    })
    expect(await sts.inspect(credentials)).toMatchObject({
      sessionPolicy: Policy,
      expiresAtMs: sts.clock.nowMs + 900_000,
    })
  })

  it('AssumeRoleWithLDAPIdentity requires no policy if a policy engine decides', async () => {
    const sts = open({}, { isPolicyClaimRequired: false })
    const { credentials } = await sts.call(action, { form: ask() })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames: [] })
  })

  it.each<[string, Parameters, string]>([
    ['no name', { LDAPUsername: undefined }, 'MissingParameter'],
    ['an empty name', { LDAPUsername: '' }, 'MissingParameter'],
    ['no password', { LDAPPassword: undefined }, 'MissingParameter'],
    ['an empty password', { LDAPPassword: '' }, 'MissingParameter'],
    ['an invalid session policy', { Policy: '{' }, 'InvalidParameterValue'],
    ['a duration below the minimum', { DurationSeconds: '899' }, 'InvalidParameterValue'],
  ])('the directory is not asked if the request has %s', async (_what, changed, code) => {
    const sts = open()
    expect(await sts.send({ form: ask(changed) })).toMatchObject({ status: 400, code })
    expect(sts.logins).toEqual([])
  })

  it('AssumeRoleWithLDAPIdentity refuses a wrong password', async () => {
    expect(await open().send({ form: ask({ LDAPPassword: 'wrong' }) })).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
      message: 'the LDAP user name or password is wrong',
    })
  })

  it('AssumeRoleWithLDAPIdentity refuses a user without a policy for the user or a group', async () => {
    const sts = open({ 'cn=somebody': ['readonly'] })
    expect(await sts.send({ form: ask() })).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
      message: `no policy is attached to ${alice.dn} or to one of its 2 groups`,
    })
  })

  it('AssumeRoleWithLDAPIdentity says STSNotInitialized if it is not configured', async () => {
    expect(await openSts().send({ form: ask() })).toMatchObject({
      status: 503,
      code: 'STSNotInitialized',
    })
  })

  it('the answer and the log contain no password', async () => {
    const sts = open({})
    for (const changed of [{}, { LDAPPassword: 'hunter2' }]) {
      const { text, log } = await sts.send({ form: ask(changed) })
      expect(text + JSON.stringify(log) + sts.logged.join()).not.toMatch(/hunter2|right/)
    }
  })
})
