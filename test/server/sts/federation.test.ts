import { describe, expect, it } from 'vitest'
import { makeToken, nowMs, nowSeconds, signers, type Members } from '../../support/tokens.ts'
import { openSts, requestId, version, type Parameters } from '../../support/server/sts-harness.ts'

const { RS256 } = signers
const grants = 'AssumeRoleWithClientGrants'
const identity = 'AssumeRoleWithWebIdentity'

const token = (changed: Members = {}): string =>
  makeToken(RS256, { policy: 'readwrite', ...changed })
const ask = (changed: Parameters = {}): Parameters => ({
  Action: grants,
  Version: version,
  Token: token(),
  ...changed,
})

describe('AssumeRoleWithClientGrants', () => {
  it('AssumeRoleWithClientGrants answers the query that clients of 2018 send', async () => {
    const sts = openSts()
    const answer = await sts.call(grants, { query: ask() })
    expect(answer).toMatchObject({ subject: 'alice', requestId })
    expect(await sts.inspect(answer.credentials)).toMatchObject({
      subject: 'alice',
      policyNames: ['readwrite'],
    })
  })

  it('AssumeRoleWithClientGrants answers a form, with and without a charset', async () => {
    const contentType = 'application/x-www-form-urlencoded; charset=utf-8'
    const headers = { 'content-type': contentType }
    for (const form of [{ form: ask() }, { form: ask(), headers }])
      expect(await openSts().call(grants, form)).toMatchObject({ subject: 'alice' })
  })

  it('AssumeRoleWithClientGrants also accepts the token as WebIdentityToken', async () => {
    const form = ask({ Token: undefined, WebIdentityToken: token() })
    expect(await openSts().call(grants, { form })).toMatchObject({ subject: 'alice' })
  })

  it('AssumeRoleWithClientGrants uses Token if both parameters are there', async () => {
    const form = ask({ WebIdentityToken: 'garbage' })
    expect(await openSts().call(grants, { form })).toMatchObject({ subject: 'alice' })
  })

  it('AssumeRoleWithClientGrants accepts a token without sub by its client, as from WSO2 in 2018', async () => {
    const form = ask({ Token: token({ sub: undefined, azp: 'PoEgXP6u' }) })
    expect(await openSts().call(grants, { form })).toMatchObject({ subject: 'PoEgXP6u' })
  })
})

describe('AssumeRoleWithWebIdentity', () => {
  const given = ask({ Action: identity, Token: undefined, WebIdentityToken: token() })

  it.each([{ query: given }, { form: given }])('the STS answers query and form', async (where) => {
    const sts = openSts()
    const answer = await sts.call(identity, where)
    expect(answer.subject).toBe('alice')
    expect(await sts.inspect(answer.credentials)).toMatchObject({ kind: 'session' })
  })

  it('AssumeRoleWithWebIdentity also accepts the token as Token', async () => {
    const form = ask({ Action: identity })
    expect(await openSts().call(identity, { form })).toMatchObject({ subject: 'alice' })
  })

  it.each(['\n', '\r\n', ' ', '\t\n\n', '\uFEFF'])(
    'an action takes a token with %j around it, as SDKs send a token file',
    async (space) => {
      const spaced = space + token() + space
      const query = ask({ Action: identity, Token: undefined, WebIdentityToken: spaced })
      expect(await openSts().call(identity, { query })).toMatchObject({ subject: 'alice' })
      const form = ask({ Token: spaced })
      expect(await openSts().call(grants, { form })).toMatchObject({ subject: 'alice' })
    },
  )

  it('white space within a token is not taken out', async () => {
    const form = ask({ Token: token().replace('.', '.\n') })
    expect(await openSts().send({ form })).toMatchObject({ message: 'token is not a JWT' })
  })

  it('AssumeRoleWithWebIdentity names the subject in its own element', async () => {
    const { text } = await openSts().send({ form: given })
    expect(text).toContain('<SubjectFromWebIdentityToken>alice</SubjectFromWebIdentityToken>')
  })
})

describe('the lifetime of credentials', () => {
  const lifetimeOf = async (
    parameters: Parameters,
    limits: Parameters_ = {},
  ): Promise<number | undefined> => {
    const { credentials } = await openSts({ limits }).call(grants, { form: ask(parameters) })
    return credentials === undefined ? undefined : (credentials.expiration.getTime() - nowMs) / 1000
  }
  type Parameters_ = {
    maxDurationSeconds?: number
    isLongerThanTokenAllowed?: boolean
    minDurationSeconds?: number
  }

  it.each<[string, Parameters, number]>([
    ['the rest of the token’s, if none is requested', {}, 3600],
    ['the rest of the token’s, for an empty duration', { DurationSeconds: '' }, 3600],
    ['the requested one, if the token lives longer', { DurationSeconds: '900' }, 900],
    ['the rest of the token’s, if more is requested', { DurationSeconds: '7200' }, 3600],
    ['exactly the token’s', { DurationSeconds: '3600' }, 3600],
    [
      'below the minimum, if the token has no more',
      { Token: token({ exp: nowSeconds + 60 }), DurationSeconds: '900' },
      60,
    ],
  ])('the lifetime of credentials is %s', async (_what, parameters, seconds) => {
    expect(await lifetimeOf(parameters)).toBe(seconds)
  })

  it('the lifetime may exceed the token’s if the operator allows it', async () => {
    const limits = { isLongerThanTokenAllowed: true }
    expect(await lifetimeOf({ DurationSeconds: '7200' }, limits)).toBe(7200)
    expect(await lifetimeOf({}, limits)).toBe(3600)
  })

  it('the lifetime never exceeds the operator’s maximum', async () => {
    expect(await lifetimeOf({}, { maxDurationSeconds: 1800 })).toBe(1800)
  })

  it('the minimum lifetime may be configured down to one second', async () => {
    expect(await lifetimeOf({ DurationSeconds: '1' }, { minDurationSeconds: 1 })).toBe(1)
  })
})

describe('the policies of credentials', () => {
  it.each<[string, unknown, string[]]>([
    ['a name', 'readonly', ['readonly']],
    ['comma-separated names', ' readonly , writeonly,,', ['readonly', 'writeonly']],
    ['a list', ['readonly', 'writeonly'], ['readonly', 'writeonly']],
    ['a list with commas and numbers', ['readonly,writeonly', 7], ['readonly', 'writeonly']],
    ['known and unknown names', 'nobody,readonly,other', ['readonly']],
  ])('the policies come from a claim with %s', async (_what, policy, policyNames) => {
    const sts = openSts()
    const { credentials } = await sts.call(grants, { form: ask({ Token: token({ policy }) }) })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames })
  })

  it('unknown policy names are logged, and the known ones apply', async () => {
    const sts = openSts()
    await sts.call(grants, { form: ask({ Token: token({ policy: 'other,readonly' }) }) })
    expect(sts.logged).toContain(
      'warn policies are named that do not exist here {"source":"claim policy","unknown":["other"]}',
    )
  })

  it.each<[string, unknown, RegExp]>([
    ['no claim', undefined, /^claim policy is missing/],
    ['an empty claim', ' , ', /^claim policy is missing/],
    ['a claim of numbers', [7], /^claim policy is missing/],
    ['an object', { name: 'readonly' }, /^claim policy is missing/],
    ['only unknown names', 'a,b', /^claim policy names no policy that exists here: a, b$/],
    ['a name of the prototype', 'constructor', /names no policy that exists here: constructor$/],
    ['a name in another case', 'ReadOnly', /names no policy that exists here: ReadOnly$/],
  ])('a token without policies is refused: %s', async (_what, policy, message) => {
    const answer = await openSts().send({ form: ask({ Token: token({ policy }) }) })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidParameterValue' })
    expect(answer.message).toMatch(message)
  })

  it('the policies come from the claim that the operator configures', async () => {
    const sts = openSts({ policyClaim: 'https://x/roles' })
    const given = token({ policy: 'consoleAdmin', 'https://x/roles': 'readonly' })
    const { credentials } = await sts.call(grants, { form: ask({ Token: given }) })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames: ['readonly'] })
  })

  it('a policy claim is not required if a policy engine decides', async () => {
    const sts = openSts({ isPolicyClaimRequired: false })
    const given = token({ policy: undefined })
    const { credentials } = await sts.call(grants, { form: ask({ Token: given }) })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames: [] })
  })
})

describe('claims of a token', () => {
  it('credentials carry the claims that are strings, numbers, booleans and lists of strings', async () => {
    const sts = openSts()
    const given = token({ email: 'a@b', n: 1, ok: true, list: ['x'], nested: { a: 1 }, mixed: [1] })
    const { credentials } = await sts.call(grants, { form: ask({ Token: given }) })
    const { claims } = await sts.inspect(credentials)
    expect(claims).toMatchObject({ sub: 'alice', email: 'a@b', n: 1, ok: true, list: ['x'] })
    expect(claims).not.toHaveProperty('nested')
    expect(claims).not.toHaveProperty('mixed')
  })

  it('credentials for a policy engine carry all claims, objects too', async () => {
    const sts = openSts({ isPolicyClaimRequired: false })
    const objects = { realm_access: { roles: ['auditor'] }, mixed: [1, { a: null }] }
    const { credentials } = await sts.call(grants, { form: ask({ Token: token(objects) }) })
    expect((await sts.inspect(credentials)).claims).toMatchObject(objects)
  })

  it('a claim of more than 16 levels is refused, because a policy engine may not be able to read it', async () => {
    const sts = openSts({ isPolicyClaimRequired: false })
    const nest = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    expect(await sts.send({ form: ask({ Token: token({ deep: nest(16) }) }) })).toMatchObject({
      status: 200,
    })
    expect(await sts.send({ form: ask({ Token: token({ deep: nest(17) }) }) })).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
      message: 'the claim deep has more than 16 levels',
    })
  })

  it('the members of a claim __proto__ do not become claims of the session', async () => {
    const sts = openSts({ isPolicyClaimRequired: false })
    const given = token(JSON.parse('{"__proto__":{"parent":"root-user","ldapUser":"cn=root"}}'))
    const { credentials } = await sts.call(grants, { form: ask({ Token: given }) })
    const { claims } = await sts.inspect(credentials)
    expect(claims['parent']).toBeUndefined()
    expect(claims['ldapUser']).toBeUndefined()
  })

  it('the groups of a session come from a claim', async () => {
    const sts = openSts()
    const given = token({ groups: ['staff', 'ops, dev'] })
    const { credentials } = await sts.call(grants, { form: ask({ Token: given }) })
    expect(await sts.inspect(credentials)).toMatchObject({ groups: ['staff', 'ops', 'dev'] })
  })

  it('claims that have a meaning inside a session cannot come from a token', async () => {
    const sts = openSts()
    const internal = {
      accessKey: 'root-user',
      parent: 'root-user',
      sessionPolicy: Buffer.from('{}').toString('base64'),
      roleArn: 'arn:minio:iam:::role/admin',
      'sa-policy': 'inherited-policy',
      ldapUser: 'cn=root',
      tokenRevokeType: 'x',
    }
    const { credentials } = await sts.call(grants, { form: ask({ Token: token(internal) }) })
    const principal = await sts.inspect(credentials)
    expect(principal).toMatchObject({
      kind: 'session',
      subject: 'alice',
      accessKey: credentials?.accessKeyId,
      sessionPolicy: undefined,
    })
    for (const name of Object.keys(internal)) expect(principal.claims).not.toHaveProperty(name)
  })

  it('claims that are too long for a header are refused', async () => {
    const given = token({ groups: Array.from({ length: 600 }, (_, i) => `a-group-${i}`) })
    const answer = await openSts().send({ form: ask({ Token: given }) })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidParameterValue' })
    expect(answer.message).toMatch(/a header can hold.*groups/)
  })
})

describe('refused tokens', () => {
  it.each<[string, string, string, string]>([
    ['expired', token({ exp: nowSeconds - 1 }), 'ExpiredToken', 'token is expired'],
    ['forged', `${token().slice(0, -4)}AAAA`, 'InvalidParameterValue', 'token signature'],
    ['garbage', 'garbage', 'InvalidParameterValue', 'token is not a JWT'],
    [
      'too long',
      token({ pad: 'x'.repeat(17 * 1024) }),
      'InvalidParameterValue',
      'token is not a JWT',
    ],
    [
      'without a subject',
      token({ sub: undefined, aud: undefined }),
      'InvalidParameterValue',
      'claim sub',
    ],
  ])('the answer to a token says why it is refused: %s', async (_what, given, code, message) => {
    for (const Action of [grants, identity]) {
      const answer = await openSts().send({ form: ask({ Action, Token: given }) })
      expect(answer).toMatchObject({ status: 400, code })
      expect(answer.message).toContain(message)
      expect(answer.text).not.toContain(given)
    }
  })

  it('the answer is STSNotInitialized if no identity provider is configured', async () => {
    const sts = openSts({ tokenVerifier: undefined })
    expect(await sts.send({ form: ask() })).toMatchObject({
      status: 503,
      code: 'STSNotInitialized',
    })
  })
})
