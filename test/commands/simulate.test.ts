import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createSessionTokens } from '../../src/server/sessions/session-tokens.ts'
import { openStage, type Ran, type Stage, startMs } from '../support/commands/harness.ts'

const second = startMs / 1000
const claims = { sub: 'alice', policy: 'team', team: 'blue', groups: ['dev'], exp: second + 3600 }
const toToken = (payload: object): string =>
  [{ alg: 'RS256' }, payload, 'x']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')

const team = {
  Version: '2012-10-17',
  Statement: [
    { Sid: 'own', Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::${jwt:team}/*' },
    {
      Sid: 'never',
      Effect: 'Deny',
      Action: 's3:DeleteObject',
      Resource: 'arn:aws:s3:::blue/kept/*',
    },
    {
      Sid: 'office',
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::office/*',
      Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } },
    },
  ],
}

let stage: Stage
let file: string

beforeEach(async () => {
  stage = await openStage()
  file = path.join(stage.home, 'team.json')
  await writeFile(file, JSON.stringify(team))
})

function simulate(action: string, resource: string, more: readonly string[] = []): Promise<Ran> {
  return stage.cli(['inspect', toToken(claims), '--simulate', action, resource, ...more])
}

describe('inspect --simulate', () => {
  it.each([
    ['s3:PutObject', 'blue/a', 'allowed: allowed by team own\n'],
    ['s3:PutObject', 'red/a', 'denied: no statement allows s3:PutObject (policies: team)\n'],
    ['s3:DeleteObject', 'blue/kept/a', 'denied: denied by team never\n'],
    ['s3:ListBucket', 'blue', 'allowed: allowed by team own\n'],
  ])('inspect --simulate %s %s prints decision and statement', async (action, resource, stdout) => {
    const code = stdout.startsWith('allowed') ? 0 : 1
    const ran = await simulate(action, resource, ['--policy', `team=${file}`])
    expect(ran).toMatchObject({ code, stdout, stderr: '' })
  })

  it('inspect --simulate evaluates an unnamed policy for every token', async () => {
    const { stdout } = await simulate('s3:PutObject', 'blue/a', ['--policy', file])
    expect(stdout).toBe(`allowed: allowed by ${file} own\n`)
  })

  it('inspect --simulate knows the canned policies and denies for unknown ones', async () => {
    const token = toToken({ ...claims, policy: 'readonly' })
    const ran = await stage.cli(['inspect', token, '--simulate', 's3:GetObject', 'b/k'])
    expect(ran).toMatchObject({ code: 0, stdout: 'allowed: allowed by readonly #0\n' })
    expect(await simulate('s3:GetObject', 'b/k')).toMatchObject({ code: 1 })
  })

  it('inspect --simulate evaluates conditions with the values of --context', async () => {
    const context = (address: string): readonly string[] => [
      '--policy',
      file,
      '--context',
      `aws:SourceIp=${address}`,
    ]
    expect((await simulate('s3:GetObject', 'office/a', context('192.0.2.7'))).code).toBe(0)
    expect((await simulate('s3:GetObject', 'office/a', context('198.51.100.7'))).code).toBe(1)
    expect((await simulate('s3:GetObject', 'office/a', ['--policy', file])).code).toBe(1)
  })

  it('inspect --simulate applies the session policy of a session token', async () => {
    const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::*' }
    const { sessionToken } = createSessionTokens({
      rootSecret: 'secret',
      nowMs: () => startMs,
    }).issue({
      subject: 'alice',
      claims: { sub: 'alice' },
      policyNames: ['readwrite'],
      sessionPolicy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      groups: [],
      expiresAtMs: startMs + 3_600_000,
    })
    const ask = (action: string): Promise<Ran> =>
      stage.cli(['inspect', '-', '--simulate', action, 'b/k'], { stdin: sessionToken })
    expect(await ask('s3:GetObject')).toMatchObject({
      code: 0,
      stdout: 'allowed: allowed by readwrite #0\n',
    })
    expect(await ask('s3:PutObject')).toMatchObject({
      code: 1,
      stdout: 'denied: session policy does not allow it\n',
    })
  })

  it('inspect --simulate --json prints one document', async () => {
    const { stdout } = await simulate('s3:PutObject', 'blue/a/b', ['--policy', file, '--json'])
    expect(JSON.parse(stdout)).toEqual({
      action: 's3:PutObject',
      bucket: 'blue',
      object: 'a/b',
      isAllowed: true,
      reason: `allowed by ${file} own`,
    })
  })

  it.each([
    [
      'an action that does not exist',
      ['--simulate', 's3:PutObjekt', 'b/k'],
      64,
      'no action "s3:PutObjekt"',
    ],
    ['a pattern as an action', ['--simulate', 's3:*', 'b/k'], 64, 'no action "s3:*"'],
    ['no resource', ['--simulate', 's3:PutObject'], 64, 'BUCKET or BUCKET/KEY'],
    ['a resource without an action', ['b/k'], 64, 'one token'],
    [
      'a context that is a claim',
      ['--simulate', 's3:PutObject', 'b/k', '--context', 'jwt:sub=x'],
      64,
      'cannot be set',
    ],
    [
      'a context without a value',
      ['--simulate', 's3:PutObject', 'b/k', '--context', 'aws:SourceIp'],
      64,
      'cannot be set',
    ],
    [
      'a missing policy file',
      ['--simulate', 's3:PutObject', 'b/k', '--policy', '/none'],
      66,
      '/none',
    ],
  ])('inspect --simulate refuses %s', async (_what, argv, code, message) => {
    const ran = await stage.cli(['inspect', toToken(claims), ...argv])
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
  })

  it('inspect --simulate reports an invalid policy and a token without a subject', async () => {
    await writeFile(file, '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}')
    const policy = await simulate('s3:PutObject', 'b/k', ['--policy', file])
    expect(policy).toMatchObject({ code: 65, stderr: expect.stringContaining('Effect must be') })
    const token = toToken({ policy: 'readonly', exp: second })
    const nobody = await stage.cli(['inspect', token, '--simulate', 's3:GetObject', 'b/k'])
    expect(nobody).toMatchObject({ code: 65, stderr: expect.stringContaining('sub is missing') })
  })
})
