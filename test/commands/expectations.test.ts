/** `--expect-account` and `--expect-issuer`: credentials of somebody else are refused, and so is an answer that does not say whose they are. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeStsSuccess } from '../../src/protocol/sts-wire.ts'
import {
  clientId,
  clientSecret,
  errorOf,
  json,
  openStage,
  startMs,
  stsAnswer,
  stsRefusal,
  type Ran,
  type Reply,
  type Seen,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
const account = '123456789012'
const other = '210987654321'
const issuer = 'https://idp.example/realms/main'

beforeEach(async () => {
  stage = await openStage()
})

const login = (...flags: string[]): Promise<Ran> => stage.ask(['login', '-q', '--json', ...flags])
const noCredentials = async (): Promise<void> => {
  expect((await stage.cli(['status'])).code).toBe(1)
}

/** Returns an answer with one more element in its result. */
function answerWith(element: string, action = 'AssumeRoleWithWebIdentity'): Reply {
  const body = String(stsAnswer(action).body)
    .replace(/<AssumedRoleUser>.*<\/AssumedRoleUser>/, '')
    .replace('Result>', `Result>${element}`)
  return { body }
}
const assumed = (arn: string): string =>
  `<AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>`

/** Answers the exchange without a role, as MinIO does, and GetCallerIdentity as given. */
const answerIdentity =
  (identity: Reply) =>
  ({ form }: Seen): Reply =>
    form.get('Action') === 'GetCallerIdentity' ? identity : stsAnswer(form.get('Action') ?? '')

describe('expected account', () => {
  it.each([
    `arn:aws:sts::${account}:assumed-role/x/y`,
    `arn:aws-cn:sts::${account}:assumed-role/x/y`,
  ])('login accepts the account in %s without another request', async (arn) => {
    stage.sts.answer = answerWith(assumed(arn), 'AssumeRoleWithClientGrants')
    expect((await login('--expect-account', account)).code).toBe(0)
    expect(stage.sts.seen).toHaveLength(1)
  })

  it('login accepts a tenant of Ceph', async () => {
    stage.sts.answer = answerWith(
      assumed('arn:aws:sts::TENANT:assumed-role/x/y'),
      'AssumeRoleWithClientGrants',
    )
    expect((await login('--expect-account', 'TENANT')).code).toBe(0)
  })

  it('login refuses credentials of another account, names both, and caches nothing', async () => {
    stage.sts.answer = answerWith(
      assumed(`arn:aws:sts::${other}:assumed-role/x/y`),
      'AssumeRoleWithClientGrants',
    )
    const ran = await login('--expect-account', account)
    expect(ran.stdout).toBe('')
    expect(errorOf(ran)).toMatchObject({
      reason: 'account-unexpected',
      exitCode: 77,
      message: `the credentials are those of the account ${other}, not ${account}`,
      hint: expect.stringContaining('--expect-account') as unknown,
    })
    await noCredentials()
  })

  it('login asks GetCallerIdentity with the new credentials where the answer names no role', async () => {
    const callerIdentity = { account, arn: `arn:aws:iam::${account}:root`, userId: account }
    const body = encodeStsSuccess('GetCallerIdentity', { callerIdentity }, 'request-2')
    stage.sts.answer = answerIdentity({ body })
    expect((await login('--expect-account', account)).code).toBe(0)
    const [, asked] = stage.sts.seen
    expect(asked?.headers).toMatchObject({ 'x-amz-security-token': 'eyJ.session.token' })
    expect(asked?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 .*\/sts\/aws4_request/)
    expect(errorOf(await login('--expect-account', other))).toMatchObject({ exitCode: 77 })
  })

  it('login understands GetCallerIdentity in JSON', async () => {
    const result = { Account: account, Arn: 'arn:aws:iam::1:user/A', UserId: 'AIDA' }
    stage.sts.answer = answerIdentity(
      json({
        GetCallerIdentityResponse: {
          GetCallerIdentityResult: result,
          ResponseMetadata: { RequestId: '1' },
        },
      }),
    )
    expect((await login('--expect-account', account)).code).toBe(0)
    expect((await login('--expect-account', other)).code).toBe(77)
  })

  it.each<[string, Reply]>([
    ['refuses the question, as MinIO does', stsRefusal('InvalidParameterValue', 'no action', 400)],
    [
      'names no account',
      {
        body: encodeStsSuccess(
          'GetCallerIdentity',
          { callerIdentity: { account: '', arn: 'a', userId: '' } },
          'r',
        ),
      },
    ],
  ])('login refuses the credentials when the STS %s', async (_what, identity) => {
    stage.sts.answer = answerIdentity(identity)
    expect(errorOf(await login('--expect-account', account))).toMatchObject({
      reason: 'expectation-unverifiable',
      exitCode: 77,
    })
    await noCredentials()
  })

  it('an STS that fails in between can be asked again', async () => {
    stage.sts.answer = answerIdentity({ status: 503, body: 'busy' })
    expect((await login('--expect-account', account, '--retries', '0')).code).toBe(69)
  })

  it('a renewal checks the account too', async () => {
    const answer = (id: string): Reply =>
      answerWith(assumed(`arn:aws:sts::${id}:assumed-role/x/y`), 'AssumeRoleWithClientGrants')
    stage.sts.answer = answer(account)
    await login('--expect-account', account)
    stage.sts.answer = answer(other)
    const env = { STS_CLI_CLIENT_ID: clientId, STS_CLI_CLIENT_SECRET: clientSecret }
    const ran = await stage.cli(['creds', '--json'], { env, now: startMs + 3_600_000 })
    expect(errorOf(ran)).toMatchObject({ reason: 'account-unexpected' })
  })

  it('cached credentials are not printed for an account that the profile expects since', async () => {
    stage.sts.answer = answerWith(
      assumed(`arn:aws:sts::${other}:assumed-role/x/y`),
      'AssumeRoleWithClientGrants',
    )
    await login()
    const folder = path.join(stage.home, '.config', 'sts-cli')
    await mkdir(folder, { recursive: true })
    await writeFile(
      path.join(folder, 'config.toml'),
      `[profile.default]\nexpect-account = "${account}"\n`,
    )
    const env = { STS_CLI_CLIENT_ID: clientId, STS_CLI_CLIENT_SECRET: clientSecret }
    const ran = await stage.cli(['creds', '--json'], { env })
    expect(ran.stdout).toBe('')
    expect(errorOf(ran)).toMatchObject({ reason: 'account-unexpected' })
  })
})

describe('expected issuer', () => {
  const jwtOf = (iss: unknown): string =>
    [{ alg: 'RS256' }, { iss, sub: 'me' }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .concat('c2ln')
      .join('.')
  const exchange = (token: string, expected = issuer, ...flags: string[]): Promise<Ran> =>
    stage.cli(
      `exchange ${token} -sts-ep ${stage.sts.url} --action web-identity --json`
        .split(' ')
        .concat('--expect-issuer', expected, flags),
    )
  it.each([issuer, `${issuer}/`])('exchange accepts a token of %s', async (iss) => {
    expect((await exchange(jwtOf(iss))).code).toBe(0)
  })

  it.each([['https://evil.example'], [undefined], [42], [`${issuer}2`]])(
    'exchange does not send a token whose issuer is %s',
    async (iss) => {
      const ran = await exchange(jwtOf(iss))
      expect(errorOf(ran)).toMatchObject({ reason: 'issuer-unexpected', exitCode: 77 })
      expect(stage.sts.seen).toEqual([])
    },
  )

  it.each([
    issuer,
    'idp.example/realms/main',
    `arn:aws:iam::${account}:oidc-provider/idp.example/realms/main`,
  ])('exchange accepts the Provider %s', async (provider) => {
    stage.sts.answer = answerWith(`<Provider>${provider}</Provider>`)
    expect((await exchange(jwtOf(issuer))).code).toBe(0)
    expect((await exchange('opaque-token')).code).toBe(0)
  })

  it.each([
    'http://idp.example/realms/main',
    'www.amazon.com',
    `arn:aws:iam::${account}:oidc-provider/idp.example/realms/other`,
    `arn:aws:iam::${account}:role/idp.example/realms/main`,
  ])('exchange refuses the answer with the Provider %s', async (provider) => {
    stage.sts.answer = answerWith(`<Provider>${provider}</Provider>`)
    const ran = await exchange(jwtOf(issuer))
    expect(ran.stdout).toBe('')
    expect(errorOf(ran)).toMatchObject({ reason: 'issuer-unexpected' })
  })

  it('exchange refuses the answer when neither the token nor the STS names an issuer', async () => {
    expect(errorOf(await exchange('opaque-token'))).toMatchObject({
      reason: 'expectation-unverifiable',
      exitCode: 77,
    })
  })

  it.each(['ldap', 'assume-role', 'certificate'])(
    'an issuer cannot be expected of --action %s, which exchanges no token',
    async (action) => {
      const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', STS_CLI_USERNAME: 'u' }
      const flags = [
        '--action',
        action,
        '--expect-issuer',
        issuer,
        '-sts-ep',
        'https://127.0.0.1:1',
      ]
      const ran = await stage.cli(['login', ...flags, '--cert', 'c', '--key', 'k', '--json'], {
        env,
      })
      expect(errorOf(ran)).toMatchObject({ reason: 'expectation-impossible', exitCode: 64 })
    },
  )

  it('a text that is not a URL is no issuer', async () => {
    expect(errorOf(await exchange(jwtOf(issuer), 'main'))).toMatchObject({ reason: 'url-invalid' })
  })
})
