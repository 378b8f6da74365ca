/** Role chaining: the first role by the token, each further one by AssumeRole with the credentials of the one before. */
import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeStsSuccess } from '../../src/protocol/sts-wire.ts'
import {
  errorOf,
  expirationText,
  idpToken,
  openStage,
  startMs,
  stsRefusal,
  type Ran,
  type Reply,
  type Seen,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
const roleA = 'arn:aws:iam::111111111111:role/a'
const roleB = 'arn:aws:iam::222222222222:role/b'
const roleC = 'arn:aws:iam::333333333333:role/c'
const chain = (...arns: string[]): string[] => arns.flatMap((arn) => ['--role-arn', arn])

/** Answers with credentials that tell which role they are of. */
function answerByRole({ form }: Seen): Reply {
  const arn = form.get('RoleArn') ?? ''
  const name = arn.split('/').at(-1) ?? ''
  const account = arn.split(':')[4] ?? ''
  const credentials = {
    accessKeyId: `ASIA${name}`,
    secretAccessKey: `secret-${name}`,
    sessionToken: `token-${name}`,
    expirationText,
    expiration: new Date(expirationText),
  }
  const assumedRole = { arn: `arn:aws:sts::${account}:assumed-role/${name}/me`, id: `AROA:me` }
  const action = form.get('Action') ?? ''
  return { body: encodeStsSuccess(action, { credentials, assumedRole }, 'request-1') }
}

beforeEach(async () => {
  stage = await openStage()
  stage.sts.answer = answerByRole
})

const login = (flags: readonly string[]): Promise<Ran> =>
  stage.ask(['login', '-f', 'process', '--action', 'web-identity', ...flags])
const sent = (): Record<string, string>[] =>
  stage.sts.seen.map(({ form }) => Object.fromEntries(form))

describe('role chaining', () => {
  it('login assumes the first role by the token and the others by the credentials before them', async () => {
    const ran = await login(chain(roleA, roleB, roleC))
    expect(JSON.parse(ran.stdout)).toMatchObject({ AccessKeyId: 'ASIAc', SessionToken: 'token-c' })
    expect(sent()).toMatchObject([
      { Action: 'AssumeRoleWithWebIdentity', RoleArn: roleA, WebIdentityToken: idpToken },
      { Action: 'AssumeRole', RoleArn: roleB, RoleSessionName: 'sts-cli' },
      { Action: 'AssumeRole', RoleArn: roleC, RoleSessionName: 'sts-cli' },
    ])
    const signed = stage.sts.seen.map(({ headers }) => [
      /Credential=([^/]*)\/20261123\/us-east-1\/sts/.exec(headers.authorization ?? '')?.[1],
      headers['x-amz-security-token'],
    ])
    expect(signed).toEqual([
      [undefined, undefined],
      ['ASIAa', 'token-a'],
      ['ASIAb', 'token-b'],
    ])
  })

  it('the token goes to the first request only', async () => {
    await login(chain(roleA, roleB))
    expect(stage.sts.seen[1]?.body).not.toContain(idpToken)
  })

  it('the lifetime and the policies are those of the last session', async () => {
    const policy = '{"Version":"2012-10-17","Statement":[]}'
    const flags = ['--duration', '1h', '--policy', policy, '--policy-arn', `${roleA}policy`]
    await login([...chain(roleA, roleB), ...flags])
    const [first, second] = sent()
    const final = {
      DurationSeconds: '3600',
      Policy: policy,
      'PolicyArns.member.1.arn': `${roleA}policy`,
    }
    expect(second).toMatchObject(final)
    expect(Object.keys(first ?? {})).not.toEqual(expect.arrayContaining(['DurationSeconds']))
    expect(Object.keys(first ?? {}).filter((name) => /Polic/.test(name))).toEqual([])
  })

  it('a transitive tag is set once, and the other tags on the last session', async () => {
    const flags = ['--tag', 'team=a', '--tag', 'job=7', '--transitive-tag', 'team']
    await login([
      ...chain(roleA, roleB, roleC),
      ...flags,
      '--external-id',
      'x9',
      '--source-identity',
      'me',
    ])
    const [first, second, third] = sent()
    expect(Object.keys(first ?? {}).filter((name) => /Tag|External|Source/.test(name))).toEqual([])
    expect(second).toMatchObject({
      'Tags.member.1.Key': 'team',
      'TransitiveTagKeys.member.1': 'team',
      ExternalId: 'x9',
      SourceIdentity: 'me',
    })
    expect(second).not.toHaveProperty(['Tags.member.2.Key'])
    expect(third).toMatchObject({
      'Tags.member.1.Key': 'job',
      ExternalId: 'x9',
      SourceIdentity: 'me',
    })
    expect(third).not.toHaveProperty(['Tags.member.2.Key'])
    expect(third).not.toHaveProperty(['TransitiveTagKeys.member.1'])
  })

  it('a chain may begin with access keys', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIAfirst', AWS_SECRET_ACCESS_KEY: 'secret' }
    const flags = ['--action', 'assume-role', '-sts-ep', stage.sts.url, ...chain(roleA, roleB)]
    expect(await stage.cli(['login', '-q', ...flags, '--tag', 'a=1'], { env })).toMatchObject({
      code: 0,
    })
    expect(stage.sts.seen.map(({ headers }) => headers.authorization?.slice(0, 45))).toEqual([
      expect.stringContaining('AKIAfirst/') as unknown,
      expect.stringContaining('ASIAa/') as unknown,
    ])
    expect(sent()[0]).not.toHaveProperty(['Tags.member.1.Key'])
    expect(sent()[1]).toMatchObject({ 'Tags.member.1.Key': 'a' })
  })

  it.each(['3601', '61m', '12h'])(
    'a chain with --duration %s is refused before anything is sent, and says AWS’s cap',
    async (duration) => {
      const ran = await stage.ask([
        'login',
        ...chain(roleA, roleB),
        '--duration',
        duration,
        '--json',
      ])
      expect(errorOf(ran)).toMatchObject({
        reason: 'chain-duration-too-long',
        exitCode: 64,
        message: expect.stringContaining(`--duration ${duration}`) as unknown,
        hint: expect.stringContaining('AWS caps role chaining at one hour') as unknown,
      })
      expect([stage.idp.seen, stage.sts.seen]).toEqual([[], []])
    },
  )

  it.each([
    [[roleA, 'b'], '"b"'],
    [[roleA, ''], '""'],
    [Array.from({ length: 11 }, () => roleA), '11 times'],
  ])('a chain with a role that no STS has, or too many, is refused (%#)', async (arns, message) => {
    const { code, stderr } = await login(chain(...arns))
    expect([code, stage.sts.seen]).toEqual([64, []])
    expect(stderr).toContain(message)
  })

  it.each(['ldap', 'certificate'])(
    'a chain cannot begin with --action %s, in which an STS ignores the role',
    async (action) => {
      const flags = ['--action', action, '-sts-ep', 'https://127.0.0.1:1', '--username', 'u']
      const files = ['--cert', 'c', '--key', 'k', '--json']
      const ran = await stage.cli(['login', ...flags, ...files, ...chain(roleA, roleB)])
      expect(errorOf(ran)).toMatchObject({
        reason: 'session-parameter-unexpected',
        exitCode: 64,
        message: `--action ${action} has no --role-arn: the STS would ignore it`,
      })
    },
  )

  it('a refusal names the role, and nothing is cached or printed', async () => {
    stage.sts.answer = (seen) =>
      seen.form.get('RoleArn') === roleB
        ? stsRefusal('AccessDenied', 'no', 403)
        : answerByRole(seen)
    const ran = await login(chain(roleA, roleB, roleC))
    expect(ran).toMatchObject({ code: 77, stdout: '' })
    expect(ran.stderr).toContain(`the STS refused the role ${roleB} (HTTP 403, AccessDenied)`)
    expect(stage.sts.seen).toHaveLength(2)
    expect((await stage.cli(['status'])).code).toBe(1)
  })

  it('a renewal goes through the same roles again', async () => {
    await login([...chain(roleA, roleB), '-q'])
    const secret = { STS_CLI_CLIENT_ID: stage.flags[5], STS_CLI_CLIENT_SECRET: stage.flags[7] }
    const ran = await stage.cli(['creds', '--field', 'accessKeyId'], {
      env: secret,
      now: startMs + 3_600_000,
    })
    expect(ran.stdout).toBe('ASIAb\n')
    expect(sent().map(({ RoleArn: arn }) => arn)).toEqual([roleA, roleB, roleA, roleB])
  })

  it('cached credentials of one chain are not those of another', async () => {
    await login([...chain(roleA, roleB), '-q'])
    const same = await stage.cli(['creds', '--field', 'accessKeyId', ...chain(roleA, roleB)])
    expect(same.stdout).toBe('ASIAb\n')
    for (const other of [
      chain(roleA),
      chain(roleB),
      chain(roleB, roleA),
      chain(roleA, roleB, roleC),
    ])
      expect((await stage.cli(['creds', ...other])).code).not.toBe(0)
    expect(stage.sts.seen).toHaveLength(2)
  })

  it('the credentials between are in no file', async () => {
    await login([...chain(roleA, roleB), '-q'])
    const folder = path.join(stage.home, '.cache', 'sts-cli')
    const texts = await Promise.all(
      (await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')),
    )
    expect(texts.join('')).toContain('secret-b')
    expect(texts.join('')).not.toMatch(/ASIAa|secret-a|token-a/)
  })
})
