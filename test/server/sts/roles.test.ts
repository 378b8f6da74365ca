import { describe, expect, it } from 'vitest'
import { listDocumentArns } from '../../../src/server/open/role-arns.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { createTokenRole, type TokenRole } from '../../../src/server/policy/token-role.ts'
import { jwksUrl, makeProvider, type FakeProvider } from '../../support/server/fake-provider.ts'
import { keySet, makeToken, nowSeconds, signers, type Members } from '../../support/tokens.ts'
import {
  openSts,
  version,
  type Parameters,
  type StsHarness,
} from '../../support/server/sts-harness.ts'

const action = 'AssumeRoleWithWebIdentity'
const arn = 'arn:minio:iam:us-east-1::role/deploy'
const issuer = 'https://token.actions.githubusercontent.com'
const configUrl = `${issuer}/.well-known/openid-configuration`
const evil = 'https://evil.example'

const document = {
  name: 'deploy',
  policies: ['readwrite', 'gone'],
  trust: {
    issuer,
    audience: 'sts-cli',
    conditions: { StringEquals: { repository: 'my-org/my-repo' } },
  },
}
const token = (changed: Members = {}): string =>
  makeToken(signers.RS256, {
    iss: issuer,
    aud: 'sts-cli',
    sub: 'repo:my-org/my-repo:ref:refs/heads/main',
    repository: 'my-org/my-repo',
    exp: nowSeconds + 300,
    ...changed,
  })

interface Opened extends StsHarness {
  readonly provider: FakeProvider
}

function open(
  change: object = {},
  services: NonNullable<globalThis.Parameters<typeof openSts>[0]> = {},
): Opened {
  const provider = makeProvider({ [configUrl]: { issuer, jwks_uri: jwksUrl }, [jwksUrl]: keySet })
  const read = parseRoleDocument(JSON.stringify({ ...document, ...change }), 'role')
  const verifiers = new Map([[issuer, createTokenVerifier({ ...provider, configUrl })]])
  const role = createTokenRole(arn, read, verifiers)
  const arns = listDocumentArns('us-east-1', read)
  const roles = new Map<string, TokenRole>(arns.map((name) => [name, role]))
  return { ...openSts({ roles, ...services }), provider }
}

const ask = (changed: Parameters = {}): Parameters => ({
  Action: action,
  Version: version,
  WebIdentityToken: token(),
  RoleArn: arn,
  RoleSessionName: 'job',
  ...changed,
})

describe('roles for tokens', () => {
  it('a role grants its policies to a token that it trusts, whatever the token’s policy claim says', async () => {
    const sts = open()
    const form = ask({ WebIdentityToken: token({ policy: 'consoleAdmin' }) })
    const { credentials, subject } = await sts.call(action, { form })
    expect(subject).toBe('repo:my-org/my-repo:ref:refs/heads/main')
    expect(await sts.inspect(credentials)).toMatchObject({
      policyNames: ['readwrite'],
      claims: { roleArn: arn, repository: 'my-org/my-repo' },
      expiresAtMs: sts.clock.nowMs + 300_000,
    })
  })

  it('a role allows credentials beyond the token’s lifetime, up to its own maximum', async () => {
    const secondsOf = async (parameters: Parameters): Promise<number> => {
      const sts = open({ maxDurationSeconds: 7200 })
      const { credentials } = await sts.call(action, { form: ask(parameters) })
      return ((credentials?.expiration.getTime() ?? 0) - sts.clock.nowMs) / 1000
    }
    expect(await secondsOf({})).toBe(3600)
    expect(await secondsOf({ DurationSeconds: '900' })).toBe(900)
    expect(await secondsOf({ DurationSeconds: '43200' })).toBe(7200)
  })

  it('the facts of an exchange contain the role, the session name, the subject and the issuer', async () => {
    const sts = open()
    const { facts, log } = await sts.send({ form: ask() })
    const subject = 'repo:my-org/my-repo:ref:refs/heads/main'
    expect(facts).toMatchObject({
      operation: action,
      caller: { kind: 'openid', subject, roleArn: arn, roleSessionName: 'job', issuer },
      issued: { accessKeyId: expect.any(String), expiresAtMs: sts.clock.nowMs + 300_000 },
      refusal: undefined,
    })
    expect(log).toMatchObject({ principal: subject, role: arn, roleSessionName: 'job', issuer })
  })

  it.each(['eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.'.repeat(2), 'two words', ''])(
    'the facts leave out a session name that AWS would refuse: %j',
    async (RoleSessionName) => {
      const { status, facts } = await open().send({ form: ask({ RoleSessionName }) })
      expect(status).toBe(200)
      expect(facts.caller).toMatchObject({ roleArn: arn, roleSessionName: undefined })
    },
  )

  it('a role ignores the claim roleArn of a token', async () => {
    const sts = open()
    const form = ask({ WebIdentityToken: token({ roleArn: 'arn:minio:iam:::role/admin' }) })
    const { credentials } = await sts.call(action, { form })
    expect(await sts.inspect(credentials)).toMatchObject({ claims: { roleArn: arn } })
  })

  it.each<[string, Members, RegExp]>([
    ['of another repository', { repository: 'other/repo' }, /see its repository$/],
    ['for another audience', { aud: 'other' }, /see its aud$/],
    ['without a repository', { repository: undefined }, /see its repository$/],
  ])('a role refuses a token %s', async (_what, change, message) => {
    const answer = await open().send({ form: ask({ WebIdentityToken: token(change) }) })
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(answer.message).toMatch(message)
    expect(answer.message).not.toContain('my-org')
  })

  it.each([evil, `${issuer}/`, issuer.toUpperCase(), undefined])(
    'a role does not fetch keys of an issuer that it does not trust: %s',
    async (iss) => {
      const sts = open()
      sts.provider.documents.set(`${evil}/.well-known/openid-configuration`, { issuer: evil })
      const answer = await sts.send({ form: ask({ WebIdentityToken: token({ iss }) }) })
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
      expect(answer.message).toMatch(/does not trust the token’s issuer$/)
      expect(sts.provider.asked).toEqual([])
    },
  )

  it('a role says of a text that is no token that it is none, and not that its issuer is untrusted', async () => {
    const answer = await open().send({ form: ask({ WebIdentityToken: 'opaque\n' }) })
    expect(answer).toMatchObject({ code: 'InvalidParameterValue', message: 'token is not a JWT' })
  })

  it('a role takes a token with the final newline of its file', async () => {
    const form = ask({ WebIdentityToken: `${token()}\n` })
    expect(await open().call(action, { form })).toMatchObject({
      subject: 'repo:my-org/my-repo:ref:refs/heads/main',
    })
  })

  it('a role does not fetch keys of an issuer that only another role trusts', async () => {
    const provider = makeProvider({})
    const read = parseRoleDocument(JSON.stringify(document), 'role')
    const elsewhere = createTokenVerifier({ ...provider, configUrl: `${evil}/config` })
    const role = createTokenRole(arn, read, new Map([[evil, elsewhere]]))
    await expect(role.verify(token({ iss: evil }))).rejects.toMatchObject({ code: 'AccessDenied' })
    expect(provider.asked).toEqual([])
  })

  it('a role refuses an identity provider that names another issuer', async () => {
    const sts = open()
    sts.provider.documents.set(configUrl, { issuer: evil, jwks_uri: jwksUrl })
    const answer = await sts.send({ form: ask() })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidParameterValue' })
  })

  it.each<[string, string, string]>([
    ['expired', token({ exp: nowSeconds - 61 }), 'ExpiredToken'],
    ['forged', `${token().split('.').slice(0, 2).join('.')}.AAAA`, 'InvalidParameterValue'],
    ['not a JWT', 'opaque', 'InvalidParameterValue'],
  ])('a role refuses a token that is %s', async (_what, given, code) => {
    expect(await open().send({ form: ask({ WebIdentityToken: given }) })).toMatchObject({ code })
  })
})

describe('RoleArn', () => {
  const claimToken = makeToken(signers.RS256, { policy: 'readonly' })

  it('an unknown RoleArn is refused, even if the token’s claim names policies', async () => {
    const form = ask({ RoleArn: `${arn}s`, WebIdentityToken: claimToken })
    expect(await open().send({ form })).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
      message: 'the parameter RoleArn names no role of this server',
    })
  })

  it.each([
    'arn:aws:iam::000000000000:role/deploy',
    'arn:aws:iam::123456789012:role/deploy',
    'arn:minio:iam:::role/deploy',
  ])(
    'a role is named by AWS’s form of its ARN, of any account, and the session is the same: %s',
    async (RoleArn) => {
      const sts = open()
      const { facts } = await sts.send({ form: ask({ RoleArn }) })
      expect(facts.caller).toMatchObject({ roleArn: arn })
      const { credentials } = await sts.call(action, { form: ask({ RoleArn }) })
      expect(await sts.inspect(credentials)).toMatchObject({
        policyNames: ['readwrite'],
        claims: { roleArn: arn },
      })
    },
  )

  it('a path is a part of a role’s name', async () => {
    const path = 'arn:aws:iam::123456789012:role/team/deploy'
    const { message } = await open().send({ form: ask({ RoleArn: path }) })
    expect(message).toBe('the parameter RoleArn names no role of this server')
    const answer = await open({ name: 'team/deploy' }).send({ form: ask({ RoleArn: path }) })
    expect(answer.status).toBe(200)
  })

  it.each([
    'deploy',
    'role/deploy',
    'arn:aws:iam:::role/deploy',
    'arn:aws:iam::1234567890123:role/deploy',
    'arn:aws:iam::12345678901x:role/deploy',
    'arn:aws:iam:us-east-1:123456789012:role/deploy',
    'arn:aws:sts::123456789012:role/deploy',
    'arn:aws:iam::123456789012:user/deploy',
    'arn:aws:iam::123456789012:role/Deploy',
    'arn:aws:iam::123456789012:role/deploy\n',
    'arn:aws:iam::123456789012:role//deploy',
    'arn:minio:iam:eu-west-1::role/deploy',
    'arn:minio:iam:us-east-1::role/by-claim',
    'arn:aws:iam::000000000000:role/by-claims',
  ])('RoleArn %j names no role, and not the token’s claim', async (RoleArn) => {
    const form = ask({
      RoleArn,
      WebIdentityToken: makeToken(signers.RS256, { policy: 'readonly' }),
    })
    expect(await open().send({ form })).toMatchObject({ code: 'InvalidParameterValue' })
  })

  it('the ARN role/by-claim takes the policies of the token’s claim beside the roles', async () => {
    const sts = open()
    const RoleArn = 'arn:aws:iam::000000000000:role/by-claim'
    const form = ask({ RoleArn, WebIdentityToken: claimToken })
    const { credentials } = await sts.call(action, { form })
    const inspected = await sts.inspect(credentials)
    expect(inspected).toMatchObject({ policyNames: ['readonly'], roleSessionName: 'job' })
    expect(inspected?.claims).not.toHaveProperty('roleArn')
  })

  it('the ARN role/by-claim is refused where no provider’s claim names policies', async () => {
    const sts = open({}, { tokenVerifier: undefined })
    const RoleArn = 'arn:aws:iam::000000000000:role/by-claim'
    expect(await sts.send({ form: ask({ RoleArn, WebIdentityToken: claimToken }) })).toMatchObject({
      status: 400,
      code: 'InvalidParameterValue',
      message: expect.stringContaining('name a role') as string,
    })
  })

  it('RoleArn may be omitted if the token’s claim names policies', async () => {
    const sts = open()
    const form = ask({ RoleArn: undefined, WebIdentityToken: claimToken })
    const { credentials } = await sts.call(action, { form })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames: ['readonly'] })
  })

  it('RoleArn is required if only roles grant policies', async () => {
    const sts = open({}, { tokenVerifier: undefined })
    expect(await sts.send({ form: ask({ RoleArn: '' }) })).toMatchObject({
      status: 400,
      code: 'MissingParameter',
    })
  })

  it('RoleArn is ignored if there are no roles: the SDKs of AWS must send one', async () => {
    const form = ask({ WebIdentityToken: claimToken, RoleArn: 'arn:aws:iam::123456789012:role/x' })
    expect((await openSts().call(action, { form })).credentials).toBeDefined()
  })

  it('AssumeRoleWithClientGrants accepts RoleArn too', async () => {
    const sts = open()
    const form = ask({ Action: 'AssumeRoleWithClientGrants' })
    const { credentials } = await sts.call('AssumeRoleWithClientGrants', { form })
    expect(await sts.inspect(credentials)).toMatchObject({ policyNames: ['readwrite'] })
  })
})
