/** The parameters of AWS's STS as flags: their limits, what is sent, and that a renewal repeats them. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  errorOf,
  idpToken,
  openStage,
  startMs,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

const keys = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }
const role = 'arn:aws:iam::123456789012:role/demo'
const policyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
const later = startMs + 3_600_000

const assume = (flags: readonly string[], command = 'login'): Promise<Ran> =>
  stage.cli([command, '-sts-ep', stage.sts.url, '--action', 'assume-role', ...flags], { env: keys })
const sent = (at = 0): Record<string, string> => Object.fromEntries(stage.sts.seen[at]?.form ?? [])

/** Every parameter once, and its form on the wire (AWS STS API Reference, AssumeRole). */
const everything = [
  ['--role-arn', role],
  ['--role-session-name', 'testAssumeRoleSession'],
  ['--policy-arn', policyArn],
  ['--policy-arn', 'arn:aws:iam::123456789012:policy/demopolicy'],
  ['--tag', 'Project=Unicorn'],
  ['--tag', 'Team=Automation=yes'],
  ['--tag', 'Cost-Center='],
  ['--transitive-tag', 'Project'],
  ['--transitive-tag', 'Cost-Center'],
  ['--external-id', '123ABC'],
  ['--source-identity', 'DevUser123'],
].flat()
const wire = {
  Action: 'AssumeRole',
  Version: '2011-06-15',
  RoleArn: role,
  RoleSessionName: 'testAssumeRoleSession',
  'PolicyArns.member.1.arn': policyArn,
  'PolicyArns.member.2.arn': 'arn:aws:iam::123456789012:policy/demopolicy',
  'Tags.member.1.Key': 'Project',
  'Tags.member.1.Value': 'Unicorn',
  'Tags.member.2.Key': 'Team',
  'Tags.member.2.Value': 'Automation=yes',
  'Tags.member.3.Key': 'Cost-Center',
  'Tags.member.3.Value': '',
  'TransitiveTagKeys.member.1': 'Project',
  'TransitiveTagKeys.member.2': 'Cost-Center',
  ExternalId: '123ABC',
  SourceIdentity: 'DevUser123',
}

describe('the parameters of AssumeRole', () => {
  it.each(['login', 'exchange', 'creds', 'env', 'credential-process'])(
    '%s sends all of them as AWS’s query protocol has them',
    async (command) => {
      expect(await assume(everything, command)).toMatchObject({ code: 0 })
      expect(sent()).toEqual(wire)
    },
  )

  it('exec sends them and runs the command', async () => {
    const run = ['--', process.execPath, '-e', '']
    expect(await assume([...everything, ...run], 'exec')).toMatchObject({ code: 0 })
    expect(sent()).toEqual(wire)
  })

  it('a renewal repeats all of them without flags', async () => {
    await assume(everything)
    expect(await stage.cli(['creds'], { env: keys, now: later })).toMatchObject({ code: 0 })
    expect(stage.sts.seen).toHaveLength(2)
    expect(sent(1)).toEqual(wire)
  })

  it('a profile holds them, and one value of a list needs no brackets', async () => {
    const folder = path.join(stage.home, '.config', 'sts-cli')
    await mkdir(folder, { recursive: true })
    await writeFile(
      path.join(folder, 'config.toml'),
      `[profile.default]
action = "assume-role"
sts-endpoint = "${stage.sts.url}"
role-arn = "${role}"
role-session-name = "testAssumeRoleSession"
policy-arn = ["${policyArn}", "arn:aws:iam::123456789012:policy/demopolicy"]
tag = ["Project=Unicorn", "Team=Automation=yes", "Cost-Center="]
transitive-tag = ["Project", "Cost-Center"]
external-id = "123ABC"
source-identity = "DevUser123"
`,
    )
    expect(await stage.cli(['creds'], { env: keys })).toMatchObject({ code: 0 })
    expect(sent()).toEqual(wire)
  })

  it('a role without a session name gets one, because AWS requires it', async () => {
    await assume(['--role-arn', role])
    expect(sent()['RoleSessionName']).toBe('sts-cli')
  })

  it('creds with another tag gets other credentials and leaves the cached ones', async () => {
    await assume(['--role-arn', role, '--tag', 'a=1'])
    const flags = ['creds', '--tag', 'a=2']
    expect(await stage.cli(flags, { env: keys })).toMatchObject({ code: 0 })
    expect(sent(1)).toMatchObject({ 'Tags.member.1.Value': '2', RoleArn: role })
    await stage.cli(['creds'], { env: keys })
    expect(stage.sts.seen).toHaveLength(2)
  })

  it('web-identity sends policy ARNs too', async () => {
    const flags = ['--action', 'web-identity', '--policy-arn', policyArn, '--role-arn', role]
    expect(await stage.ask(['login', ...flags])).toMatchObject({ code: 0 })
    expect(sent()).toMatchObject({ 'PolicyArns.member.1.arn': policyArn })
  })
})

const long = (count: number): string => 'x'.repeat(count)
const many = (flag: string, count: number, make: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => [flag, make(i)]).flat()
const arnOf = (length: number): string => `arn:aws:iam::1:policy/${long(length)}`.slice(0, length)

describe('the limits of AWS', () => {
  it.each<[string, string[]]>([
    ['tag key of 128', ['--tag', `${long(128)}=v`]],
    ['tag value of 256', ['--tag', `k=${long(256)}`]],
    ['tag with letters of any script, spaces and signs', ['--tag', 'Größe 大_.:/+-@=a=b /@']],
    [
      '50 tags, all transitive',
      [...many('--tag', 50, (i) => `k${i}=v`), ...many('--transitive-tag', 50, (i) => `k${i}`)],
    ],
    ['external ID of 2', ['--external-id', 'a/']],
    ['external ID of 1224', ['--external-id', long(1224)]],
    ['source identity of 2', ['--source-identity', 'ab']],
    ['source identity of 64', ['--source-identity', 'a_+=,.@-'.repeat(8)]],
    ['10 policy ARNs', many('--policy-arn', 10, (i) => `${policyArn}${i}`)],
    ['policy ARN of 20', ['--policy-arn', arnOf(20)]],
    ['policy ARN of 2048', ['--policy-arn', arnOf(2048)]],
    ['tenant of Ceph in a role', ['--role-arn', 'arn:aws:iam::TENANT:role/x']],
    ['role of MinIO', ['--role-arn', 'arn:minio:iam:::role/dGVzdA']],
  ])('%s is sent', async (_what, flags) => {
    expect(await assume(flags)).toMatchObject({ code: 0 })
  })

  it.each<[string, string[], string, string]>([
    ['tag key of 129', ['--tag', `${long(129)}=v`], '--tag "xxx', '1 to 128'],
    ['tag without a key', ['--tag', '=v'], '--tag ""', '1 to 128'],
    ['tag without =', ['--tag', 'team'], '--tag "team"', 'KEY=VALUE'],
    ['tag value of 257', ['--tag', `k=${long(257)}`], '--tag "k=xxx', 'at most 256'],
    ['tag value with a *', ['--tag', 'k=*'], '--tag "k=*"', 'at most 256'],
    ['tag key with a ,', ['--tag', 'a,b=v'], '--tag "a,b"', '1 to 128'],
    ['tag key of AWS', ['--tag', 'AWS:team=v'], '--tag "AWS:team"', 'aws: are AWS’s own'],
    ['tag twice', ['--tag', 'Team=1', '--tag', 'team=2'], '--tag "team=2"', 'Team is given twice'],
    ['51 tags', many('--tag', 51, (i) => `k${i}=v`), '--tag is given 51 times', 'at most 50 tags'],
    [
      'transitive tag without the tag',
      ['--transitive-tag', 'team'],
      '"team"',
      'add --tag team=VALUE',
    ],
    [
      'transitive tag in another case',
      ['--tag', 'team=1', '--transitive-tag', 'Team'],
      '"Team"',
      'add --tag Team=VALUE',
    ],
    [
      'transitive tag twice',
      ['--tag', 'a=1', '--transitive-tag', 'a', '--transitive-tag', 'a'],
      '"a"',
      'once',
    ],
    [
      '51 transitive tags',
      many('--transitive-tag', 51, (i) => `k${i}`),
      '51 times',
      'at most 50 keys',
    ],
    ['external ID of 1', ['--external-id', 'a'], '--external-id "a"', '2 to 1224'],
    ['external ID of 1225', ['--external-id', long(1225)], '--external-id "xxx', '2 to 1224'],
    ['external ID with a space', ['--external-id', 'a b'], '"a b"', '2 to 1224'],
    ['empty external ID', ['--external-id', ''], '--external-id ""', '2 to 1224'],
    ['source identity of 1', ['--source-identity', 'a'], '"a"', '2 to 64'],
    ['source identity of 65', ['--source-identity', long(65)], '"xxx', '2 to 64'],
    ['source identity with a :', ['--source-identity', 'aws:a'], '"aws:a"', '2 to 64'],
    [
      '11 policy ARNs',
      many('--policy-arn', 11, (i) => `${policyArn}${i}`),
      '11 times',
      'at most 10 policies',
    ],
    ['policy ARN of 19', ['--policy-arn', arnOf(19)], '--policy-arn "arn:', '20 to 2048'],
    ['policy ARN of 2049', ['--policy-arn', arnOf(2049)], '--policy-arn "arn:', '20 to 2048'],
    ['policy by its name', ['--policy-arn', 'readonly-access-for-all'], '"readonly', '20 to 2048'],
    [
      'account with hyphens',
      ['--expect-account', '1234-5678-9012'],
      '"1234-5678-9012"',
      'without hyphens',
    ],
    ['account as an ARN', ['--expect-account', role], '--expect-account "arn:', '12 digits'],
  ])(
    'a %s is refused with the value and the fix, and nothing is sent',
    async (_w, flags, message, hint) => {
      const ran = await assume(['--role-arn', role, ...flags, '--json'])
      expect(ran.code).toBe(64)
      expect(errorOf(ran)).toMatchObject({
        reason: 'session-parameter-invalid',
        message: expect.stringContaining(message) as unknown,
        hint: expect.stringContaining(hint) as unknown,
      })
      expect(stage.sts.seen).toEqual([])
    },
  )

  it('a text is taken as an external ID exactly if AWS’s pattern takes it', async () => {
    const texts = fc.oneof(
      fc.string({ minLength: 1, maxLength: 6 }),
      fc.stringMatching(/^[\w+=,.@:/-]{1,5}$/),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { code } = await assume(['--role-arn', role, `--external-id=${text}`, '-q'])
        expect(code).toBe(/^[\w+=,.@:/-]{2,1224}$/.test(text) ? 0 : 64)
      }),
      { numRuns: 40 },
    )
  })

  it('what a terminal would obey is not printed', async () => {
    const { stderr } = await assume(['--external-id', 'a\u009b2J\nb'])
    expect(stderr).toContain('--external-id "a 2J b" is not valid')
  })
})

describe('a parameter that the action does not have', () => {
  it.each<[string, string, string]>([
    ['client-grants', '--tag', 'a=1'],
    ['web-identity', '--tag', 'a=1'],
    ['web-identity', '--transitive-tag', 'a'],
    ['web-identity', '--external-id', '123ABC'],
    ['web-identity', '--source-identity', 'alice'],
    ['client-grants', '--policy-arn', policyArn],
  ])(
    '--action %s refuses %s, because an STS ignores what it does not know',
    async (action, flag, value) => {
      const ran = await stage.ask(['login', '--action', action, flag, value, '--json'])
      expect(ran.code).toBe(64)
      expect(errorOf(ran)).toMatchObject({
        reason: 'session-parameter-unexpected',
        message: `--action ${action} has no ${flag}: the STS would ignore it`,
      })
      expect(stage.idp.seen).toEqual([])
    },
  )

  it('exchange refuses them before the token is sent', async () => {
    const { code } = await stage.cli([
      'exchange',
      idpToken,
      '-sts-ep',
      stage.sts.url,
      '--tag',
      'a=1',
    ])
    expect([code, stage.sts.seen]).toEqual([64, []])
  })
})
