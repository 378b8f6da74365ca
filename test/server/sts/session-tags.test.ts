import { describe, expect, it } from 'vitest'
import type { Credentials } from '../../../src/protocol/credentials.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { createTokenRole } from '../../../src/server/policy/token-role.ts'
import { configUrl, jwksUrl, makeProvider } from '../../support/server/fake-provider.ts'
import { account, openRoleSts, roleArn, type RoleSts } from '../../support/server/role-sts.ts'
import {
  openSts,
  root,
  version,
  type Answer,
  type Parameters,
} from '../../support/server/sts-harness.ts'
import { keySet, makeToken, signers, type Members } from '../../support/tokens.ts'

const claim = 'https://aws.amazon.com/tags'
const teamPolicy = parsePolicyDocument(
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::data/${aws:PrincipalTag/team}/*',
        Condition: { StringLike: { 's3:prefix': ['', '${aws:PrincipalTag/team}*'] } },
      },
      {
        Effect: 'Allow',
        Action: 's3:PutObject',
        Resource: 'arn:aws:s3:::data/${aws:PrincipalTag/team}/*',
      },
    ],
  }),
  'team',
)
const authorizer = combinePolicies(
  createIamAuthorizer({ policies: new Map([['team', teamPolicy]]) }),
)

/** Returns whether a session may write a key of the bucket `data`. */
async function mayPut(
  sts: RoleSts,
  credentials: Awaited<ReturnType<RoleSts['login']>>,
  object: string,
) {
  const principal = { ...(await sts.inspect(credentials)), policyNames: ['team'] }
  const question = { principal, action: 's3:PutObject', bucket: 'data', object }
  return (await authorizer.authorize({ ...question, conditions: new Map() })).isAllowed
}

const tags = (values: Readonly<Record<string, string>>, transitive: readonly string[] = []) =>
  Object.fromEntries([
    ...Object.entries(values).flatMap(([key, value], at) => [
      [`Tags.member.${at + 1}.Key`, key],
      [`Tags.member.${at + 1}.Value`, value],
    ]),
    ...transitive.map((key, at) => [`TransitiveTagKeys.member.${at + 1}`, key]),
  ]) as Parameters

describe('the tags of an identity provider', () => {
  it.each<[string, Members]>([
    ['nested', { [claim]: { principal_tags: { team: ['blue'] }, transitive_tag_keys: ['team'] } }],
    ['nested, with another case', { [claim]: { principal_tags: { Team: ['blue'] } } }],
    ['nested, as a text', { [claim]: { principal_tags: { team: 'blue' } } }],
    ['flat', { [`${claim}/principal_tags/team`]: 'blue' }],
    ['flat, in a list, with another case', { [`${claim}/principal_tags/TEAM`]: ['blue'] }],
  ])('decide who reads which prefix: %s', async (_what, claims) => {
    const sts = openRoleSts({}, { caller: [] })
    const session = await sts.login(claims)
    expect(await mayPut(sts, session, 'blue/a')).toBe(true)
    expect(await mayPut(sts, session, 'red/a')).toBe(false)
    expect(await mayPut(sts, session, 'blue')).toBe(false)
  })

  it('give nothing to a session that has none, and cannot be wildcards', async () => {
    const sts = openRoleSts({}, { caller: [] })
    expect(await mayPut(sts, await sts.login(), '/a')).toBe(false)
    const wildcard = sts.login({ [`${claim}/principal_tags/team`]: '*' })
    await expect(wildcard).rejects.toThrow(/must satisfy regular expression/)
  })

  it.each<[string, Members]>([
    [
      '51 tags',
      {
        principal_tags: Object.fromEntries(
          Array.from({ length: 51 }, (_, at) => [`k${at}`, ['v']]),
        ),
      },
    ],
    ['a long name', { principal_tags: { ['k'.repeat(129)]: ['v'] } }],
    ['a long value', { principal_tags: { k: ['v'.repeat(257)] } }],
    ['a long second value', { principal_tags: { k: ['v', 'v'.repeat(257)] } }],
    ['a name of AWS’s', { principal_tags: { 'aws:x': ['v'] } }],
    ['a name twice', { principal_tags: { team: ['a'], Team: ['b'] } }],
    ['a value with a line break', { principal_tags: { k: ['a\nb'] } }],
    [
      'a transitive key that is no tag',
      { principal_tags: { k: ['v'] }, transitive_tag_keys: ['x'] },
    ],
  ])('are refused with %s', async (_what, value) => {
    const sts = openRoleSts({}, { caller: [] })
    const Token = makeToken(signers.RS256, { sub: 'a', policy: 'caller', [claim]: value })
    const Action = 'AssumeRoleWithClientGrants'
    expect(await sts.send({ form: { Action, Version: version, Token } })).toMatchObject({
      status: 400,
      code: 'InvalidIdentityToken',
      message: expect.stringContaining(claim) as string,
    })
  })

  it('are refused where a policy of the session denies sts:TagSession for them', async () => {
    const Condition = { StringNotEquals: { 'aws:RequestTag/team': ['blue', 'red'] } }
    const deny = { Effect: 'Deny', Action: 'sts:TagSession', Condition }
    const sts = openRoleSts({}, { caller: [deny] })
    const team = (value: string): Members => ({ [claim]: { principal_tags: { team: [value] } } })
    expect(await mayPut(sts, await sts.login(team('red')), 'red/a')).toBe(true)
    await expect(sts.login(team('green'))).rejects.toThrow(/you may not sts:TagSession/)
    await sts.login()
  })
})

describe('a role that tokens with tags assume', () => {
  const issuer = 'https://idp.example'
  const arn = 'arn:minio:iam:us-east-1::role/deploy'

  function ask(trust: object, claims: Members): Promise<Answer> {
    const provider = makeProvider({ [configUrl]: { issuer, jwks_uri: jwksUrl }, [jwksUrl]: keySet })
    const conditions = { StringEquals: { sub: 'alice' } }
    const entry = { issuer, audience: 'sts-cli', conditions, ...trust }
    const document = { name: 'deploy', policies: ['readwrite'], trust: entry }
    const read = parseRoleDocument(JSON.stringify(document), 'role')
    const verifiers = new Map([[issuer, createTokenVerifier({ ...provider, configUrl })]])
    const sts = openSts({ roles: new Map([[arn, createTokenRole(arn, read, verifiers)]]) })
    const token = { iss: issuer, aud: 'sts-cli', sub: 'alice', ...claims }
    return sts.send({
      form: {
        Action: 'AssumeRoleWithWebIdentity',
        Version: version,
        RoleArn: arn,
        RoleSessionName: 'alice',
        WebIdentityToken: makeToken(signers.RS256, token),
      },
    })
  }
  const blue = { [claim]: { principal_tags: { team: ['blue'] } } }
  const assume = 'sts:AssumeRoleWithWebIdentity'

  it('takes them unless its trust lists actions without sts:TagSession', async () => {
    expect(await ask({}, blue)).toMatchObject({ status: 200 })
    expect(await ask({ actions: [assume, 'sts:TagSession'] }, blue)).toMatchObject({ status: 200 })
    expect(await ask({ actions: assume }, {})).toMatchObject({ status: 200 })
    expect(await ask({ actions: assume }, blue)).toMatchObject({
      status: 403,
      code: 'AccessDenied',
      message: expect.stringContaining('sts:TagSession') as string,
    })
  })

  it.each<[string, object]>([
    ['a tag', { 'aws:RequestTag/Team': 'blue' }],
    ['the names of the tags', { 'aws:TagKeys': 'team' }],
    ['the session’s name', { 'sts:RoleSessionName': '${jwt:sub}' }],
  ])('may ask in its trust for %s besides a claim', async (_what, block) => {
    const trust = { conditions: { StringEquals: { sub: 'alice', ...block } } }
    expect(await ask(trust, blue)).toMatchObject({ status: 200 })
    const other = 'sts:RoleSessionName' in block ? { sub: 'bob' } : { [claim]: {} }
    expect(await ask(trust, other)).toMatchObject({ status: 403, code: 'AccessDenied' })
  })

  it('is not kept from strangers by a tag or a session’s name alone', () => {
    for (const block of [{ 'aws:RequestTag/team': 'blue' }, { 'sts:RoleSessionName': 'x' }])
      expect(() => ask({ conditions: { StringEquals: block } }, blue)).toThrow(
        /no condition says whose/,
      )
  })

  it('keeps the source identity that the provider says, and refuses one that AWS does not take', async () => {
    const name = 'https://aws.amazon.com/source_identity'
    const { text } = await ask({}, { [name]: 'alice' })
    expect(text).toContain('<SourceIdentity>alice</SourceIdentity>')
    for (const wrong of ['a', 'aws:x', 'a b', ['a1', 'a2'], {}, ''])
      expect(await ask({}, { [name]: wrong })).toMatchObject({ code: 'InvalidIdentityToken' })
    expect(await ask({ actions: assume }, { [name]: 'alice' })).toMatchObject({
      message: expect.stringContaining('sts:SetSourceIdentity') as string,
    })
  })
})

describe('the tags of AssumeRole', () => {
  const trusting = (actions: readonly string[] = [], principal: unknown = [account]): object => {
    return { trust: { principal, actions: ['sts:AssumeRole', ...actions] }, policies: ['caller'] }
  }
  const allow = (Action: string): object => ({ Effect: 'Allow', Action, Resource: roleArn('*') })
  const may = allow('sts:AssumeRole')
  const blue = tags({ team: 'blue' })

  it.each<[string, readonly string[], readonly object[], number]>([
    ['neither the trust nor the caller’s policies', [], [may], 403],
    ['the trust', ['sts:TagSession'], [may], 200],
    ['the caller’s policies', [], [may, allow('sts:TagSession')], 200],
    [
      'the trust but a Deny',
      ['sts:TagSession'],
      [may, { ...allow('sts:TagSession'), Effect: 'Deny' }],
      403,
    ],
    ['the permission for a source identity', ['sts:SetSourceIdentity'], [may], 403],
  ])('need sts:TagSession: %s', async (_what, actions, caller, status) => {
    const sts = openRoleSts({ worker: trusting(actions) }, { caller })
    expect(await sts.assume('worker', await sts.login(), blue)).toMatchObject({ status })
    expect(await sts.assume('worker', await sts.login())).toMatchObject({ status: 200 })
  })

  it.each<[string, readonly string[], readonly object[], number]>([
    ['neither', [], [may], 403],
    ['the trust', ['sts:SetSourceIdentity'], [may], 200],
    ['the caller’s policies', [], [may, allow('sts:SetSourceIdentity')], 200],
  ])(
    'a source identity needs sts:SetSourceIdentity: %s',
    async (_what, actions, caller, status) => {
      const sts = openRoleSts({ worker: trusting(actions) }, { caller })
      const asked = { SourceIdentity: 'alice' }
      expect(await sts.assume('worker', await sts.login(), asked)).toMatchObject({ status })
    },
  )

  it('decide who reads which prefix, and are not the tags of the caller', async () => {
    const sts = openRoleSts({ worker: trusting() }, { caller: [] })
    const session = await sts.become('worker', root, blue)
    expect(await mayPut(sts, session, 'blue/a')).toBe(true)
    const tagged = openRoleSts({ worker: trusting() }, { caller: [may] })
    const red = await tagged.login({ [claim]: { principal_tags: { team: ['red'] } } })
    expect(await mayPut(tagged, await tagged.become('worker', red), 'red/a')).toBe(false)
  })

  it('go on to the next role if they are transitive, and cannot be changed there', async () => {
    const sts = openRoleSts(
      {
        first: trusting(),
        second: trusting(['sts:TagSession'], roleArn('first')),
        third: trusting([], roleArn('second')),
      },
      { caller: [may] },
    )
    const first = await sts.become('first', root, tags({ Team: 'blue', level: '3' }, ['team']))
    const second = await sts.become('second', first, tags({ level: '4' }))
    const third = await sts.become('third', second)
    expect((await sts.inspect(second)).claims[claim]).toEqual({
      principal_tags: { Team: ['blue'], level: ['4'] },
      transitive_tag_keys: ['Team'],
    })
    expect((await sts.inspect(third)).claims[claim]).toEqual({
      principal_tags: { Team: ['blue'] },
      transitive_tag_keys: ['Team'],
    })
    expect(await sts.assume('second', first, tags({ TEAM: 'blue' }))).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
      message: expect.stringContaining('conflicts with a transitive tag key') as string,
    })
  })

  it('of the identity provider go on to a role if they are transitive', async () => {
    const sts = openRoleSts({ worker: trusting() }, { caller: [may] })
    for (const claims of [
      { [claim]: { principal_tags: { team: ['blue'], x: ['y'] }, transitive_tag_keys: ['team'] } },
      { [`${claim}/principal_tags/team`]: ['blue'], [`${claim}/transitive_tag_keys`]: ['team'] },
    ]) {
      const session = await sts.become('worker', await sts.login(claims))
      expect((await sts.inspect(session)).claims[claim]).toEqual({
        principal_tags: { team: ['blue'] },
        transitive_tag_keys: ['team'],
      })
    }
  })

  it('are compared with the role that they may assume next', async () => {
    const conditions = { StringEquals: { 'aws:PrincipalTag/team': 'blue' } }
    const guarded = { policies: ['caller'], trust: { principal: '*', conditions } }
    const sts = openRoleSts({ worker: trusting(), guarded }, { caller: [may] })
    const by = async (values: Readonly<Record<string, string>>): Promise<Credentials> =>
      sts.become('worker', root, tags(values))
    expect(await sts.assume('guarded', await by({ team: 'blue' }))).toMatchObject({ status: 200 })
    expect(await sts.assume('guarded', await by({ team: 'red' }))).toMatchObject({ status: 403 })
    expect(await sts.assume('guarded', root)).toMatchObject({ status: 403 })
  })

  it('say how much of their room they take', async () => {
    const sts = openRoleSts({ worker: trusting() }, { caller: [] })
    expect((await sts.assume('worker', root)).text).not.toContain('PackedPolicySize')
    const { text } = await sts.assume('worker', root, blue)
    expect(text).toMatch(/<\/Credentials><PackedPolicySize>\d+<\/PackedPolicySize>/)
  })
})
