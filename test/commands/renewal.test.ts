import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Keyring } from '../../src/base/keyring.ts'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import {
  lockedKeyring,
  type MemoryKeyring,
  openMemoryKeyring,
} from '../support/commands/fake-keyrings.ts'
import { startOpenId, type FakeOpenId } from '../support/commands/fake-openid.ts'
import {
  clientId,
  json,
  minioJson,
  openStage,
  startMs,
  stsAnswer,
  stsRefusal,
  type IoOptions,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage
let idp: FakeOpenId
let keyring: MemoryKeyring
/** The time at which the credentials of the first login have expired. */
const later = startMs + 3_600_000

beforeEach(async () => {
  stage = await openStage()
  idp = await startOpenId()
  idp.tokens = { refresh_token: 'refresh-1' }
  keyring = openMemoryKeyring()
})

const login = (flags: readonly string[] = [], options: IoOptions = {}): Promise<Ran> => {
  const argv = [
    '--grant',
    'browser',
    '--issuer',
    idp.url,
    '-cid',
    clientId,
    '-sts-ep',
    stage.sts.url,
  ]
  const browser = (address: string): void => void fetch(address)
  return stage.cli(['login', '-q', ...argv, ...flags], { browser, keyring, ...options })
}
const creds = (flags: readonly string[] = [], options: IoOptions = {}): Promise<Ran> =>
  stage.cli(['creds', ...flags], { keyring, now: later, ...options })
const refreshes = (): Record<string, string>[] =>
  idp.seen
    .filter(({ form }) => form.get('grant_type') === 'refresh_token')
    .map(({ form }) => Object.fromEntries(form))

describe('renewal of a user’s login', () => {
  it('creds renews a login with the refresh token from the keyring, without flags or prompts', async () => {
    await login()
    expect(await creds()).toMatchObject({ code: 0, stdout: minioJson, stderr: '' })
    expect(refreshes()).toEqual([
      {
        grant_type: 'refresh_token',
        refresh_token: 'refresh-1',
        client_id: clientId,
        scope: 'openid',
      },
    ])
  })

  it('creds does not renew credentials that are still valid', async () => {
    await login()
    expect((await creds([], { now: startMs } as IoOptions)).stdout).toBe(minioJson)
    expect(refreshes()).toEqual([])
  })

  it('a renewal repeats the action, the policy and the duration of the login', async () => {
    const policy = '{"Version":"2012-10-17"}'
    await login(['--action', 'web-identity', '--policy', policy, '--duration', '20m'])
    await creds()
    const [first, second] = stage.sts.seen.map(({ form }) => Object.fromEntries(form))
    const fields = { Action: 'AssumeRoleWithWebIdentity', Policy: policy, DurationSeconds: '1200' }
    expect([first, second]).toMatchObject([fields, fields])
    expect(decodeJwt(second?.['WebIdentityToken'] ?? '').claims).toMatchObject({ sub: 'alice' })
  })

  it('a renewal assumes the roles of the login’s chain again, with its tags', async () => {
    const roles = [
      '--role-arn',
      'arn:aws:iam::1:role/first',
      '--role-arn',
      'arn:aws:iam::1:role/second',
    ]
    await login(['--action', 'web-identity', ...roles, '--tag', 'team=a'])
    expect(await creds()).toMatchObject({ code: 0 })
    const sent = stage.sts.seen.map(({ form }) => [
      form.get('RoleArn'),
      form.get('Tags.member.1.Value'),
    ])
    const once = [
      ['arn:aws:iam::1:role/first', null],
      ['arn:aws:iam::1:role/second', 'a'],
    ]
    expect(sent).toEqual([...once, ...once])
  })

  it('a renewal checks the account that the login expected', async () => {
    const account = '123456789012'
    const arn = (id: string): string => `arn:aws:sts::${id}:assumed-role/x/y`
    const answer = (id: string): typeof stage.sts.answer => {
      const body = String(stsAnswer().body).replace('<Arn></Arn>', `<Arn>${arn(id)}</Arn>`)
      return { body }
    }
    stage.sts.answer = answer(account)
    expect((await login(['--expect-account', account])).code).toBe(0)
    stage.sts.answer = answer('210987654321')
    expect(await creds()).toMatchObject({ code: 77, stdout: '' })
  })

  it('a renewal stores a rotated refresh token', async () => {
    await login()
    idp.tokens = { refresh_token: 'refresh-2' }
    await creds()
    idp.tokens = {}
    await creds(['--refresh'])
    await creds(['--refresh'])
    expect(refreshes().map(({ refresh_token: token }) => token)).toEqual([
      'refresh-1',
      'refresh-2',
      'refresh-2',
    ])
  })

  it('a renewal stores the rotated refresh token even if the STS refuses', async () => {
    await login()
    idp.tokens = { refresh_token: 'refresh-2' }
    stage.sts.answer = stsRefusal('AccessDenied', 'no', 403)
    expect((await creds()).code).toBe(77)
    expect(keyring.secrets.get('default')).toContain('refresh-2')
  })

  it('simultaneous commands renew the credentials once', async () => {
    await login()
    stage.sts.answer = stsAnswer(undefined, { expirationText: '2026-11-23T18:00:00Z' })
    const all = await Promise.all([creds(), creds(), creds()])
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(refreshes()).toHaveLength(1)
  })

  it('creds requires a login and deletes the refresh token when the provider rejects it', async () => {
    await login()
    idp.tokenAnswers.push(json({ error: 'invalid_grant', error_description: 'expired' }, 400))
    const { code, stderr } = await creds()
    expect(code).toBe(77)
    expect(stderr).toContain('the login is over at the identity provider (HTTP 400, invalid_grant)')
    expect(stderr).toContain('hint: sts-cli login\n')
    expect(keyring.secrets.size).toBe(0)
  })

  it('a renewal keeps the refresh token while the provider is down', async () => {
    await login()
    idp.tokenAnswers.push({ status: 500 })
    expect((await creds(['--retries', '0'])).code).toBe(69)
    expect((await creds()).code).toBe(0)
  })

  it('a profile is not renewed with the refresh token of another', async () => {
    await login(['-p', 'work'])
    expect((await creds()).code).toBe(77)
    expect((await creds(['-p', 'work'])).code).toBe(0)
  })

  it('a renewal of a confidential client takes the secret from its own variables', async () => {
    await login(['-csec', 'hush'])
    expect(keyring.secrets.get('default')).not.toContain('hush')
    const bare = await creds()
    expect(bare.code).toBe(77)
    expect(bare.stderr).toContain('hint: set STS_CLI_CLIENT_ID and STS_CLI_CLIENT_SECRET_FILE')
    const other = { STS_CLI_CLIENT_ID: 'another', STS_CLI_CLIENT_SECRET: 'not-for-it' }
    expect((await creds([], { env: other })).code).toBe(77)
    const env = { STS_CLI_CLIENT_ID: clientId, STS_CLI_CLIENT_SECRET: 'hush' }
    expect((await creds([], { env })).code).toBe(0)
  })
})

describe('refresh token', () => {
  it('a refresh token is in the keyring and in no file', async () => {
    await login()
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-default.json')
    expect(await readFile(file, 'utf8')).not.toContain('refresh-1')
    expect(keyring.secrets.get('default')).toContain('refresh-1')
  })

  it.each<[string, Keyring | undefined]>([
    ['is missing', undefined],
    ['is locked', lockedKeyring],
  ])('login stores no refresh token and says so when the keyring %s', async (_what, store) => {
    const argv = ['--grant', 'browser', '--issuer', idp.url, '-cid', clientId]
    const browser = (address: string): void => void fetch(address)
    const flags = [...argv, '-sts-ep', stage.sts.url]
    const ran = await stage.cli(['login', ...flags], { browser, keyring: store })
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain('no keyring takes the refresh token here: sign in again when')
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-default.json')
    expect(await readFile(file, 'utf8')).not.toContain('refresh-1')
    const renewed = await creds([], { keyring: store })
    expect(renewed.code).toBe(77)
    expect(refreshes()).toEqual([])
  })

  it.each([[['--cache', 'none']], [['--no-keyring']]])(
    'login with %j stores no refresh token',
    async (flags) => {
      const { code, stderr } = await login(flags)
      expect({ code, said: /keyring/.test(stderr) }).toEqual({ code: 0, said: false })
      expect(keyring.secrets.size).toBe(0)
    },
  )

  it('logout deletes the refresh token', async () => {
    await login()
    expect((await stage.cli(['logout'], { keyring })).code).toBe(0)
    expect(keyring.secrets.size).toBe(0)
    expect((await creds()).code).toBe(77)
  })

  it('logout revokes the refresh token if the provider has a revocation endpoint', async () => {
    idp.metadata = { revocation_endpoint: `${idp.url}/revoke` }
    await login()
    const answer = idp.answer
    idp.answer = (seen, count) =>
      seen.url === '/revoke' || typeof answer !== 'function' ? {} : answer(seen, count)
    stage.sts.answer = { status: 204 }
    expect(await stage.cli(['logout'], { keyring })).toMatchObject({ code: 0, stderr: '' })
    const { form } = idp.seen.find(({ url }) => url === '/revoke') ?? {}
    expect(Object.fromEntries(form ?? [])).toEqual({
      token: 'refresh-1',
      token_type_hint: 'refresh_token',
      client_id: clientId,
    })
  })

  it.each<[string, FakeOpenId['answer']]>([
    ['is down', { status: 503 }],
    ['answers with a web page', { body: '<html>' }],
    ['closes the connection', 'cut'],
  ])('logout deletes the refresh token even if the provider %s', async (_what, answer) => {
    await login()
    idp.answer = answer
    const ran = await stage.cli(['logout'], { keyring })
    expect(ran.code).toBe(0)
    expect(ran.stderr).toMatch(/^forgotten here, but not revoked: /m)
    expect(keyring.secrets.size).toBe(0)
  })

  it('--grant refresh-token uses the stored refresh token and fails without one', async () => {
    const flags = ['login', '--grant', 'refresh-token', '-sts-ep', stage.sts.url]
    const none = await stage.cli(flags, { keyring })
    expect(none.code).toBe(77)
    expect(none.stderr).toContain(
      'the keyring holds nothing to renew this profile with\nhint: sts-cli login\n',
    )
    const other = await stage.cli([...flags, '-p', 'ci'], { keyring })
    expect(other.stderr).toContain('hint: sts-cli login -p ci\n')
    await login()
    expect((await stage.cli(flags, { keyring })).code).toBe(0)
    expect(refreshes()).toHaveLength(1)
  })

  it('a damaged refresh token in the keyring counts as none', async () => {
    await login()
    for (const text of ['', 'x', '{}', '{"version":1,"refreshToken":"r"}']) {
      keyring.secrets.set('default', text)
      expect((await creds()).code).toBe(77)
    }
    expect(refreshes()).toEqual([])
  })
})
