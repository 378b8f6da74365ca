import { lstat, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  clientSecret,
  granted,
  idpToken,
  minioJson,
  openStage,
  startMs,
  tokenAnswer,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

describe('login', () => {
  it('login prints the heading and JSON, and nothing on a stderr that is not a terminal', async () => {
    const { code, stdout, stderr } = await stage.ask(['login'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(`##### Credentials\n${minioJson}`)
  })

  it('login on a terminal prints the lifetime and the next command', async () => {
    const { stderr } = await stage.ask(['login'], { isTty: true })
    expect(stderr).toBe('valid for 1h 0m; next: eval $(sts-cli env)\n')
  })

  it.each([
    [['-f', 'process'], /^\{"Version":1,/],
    [['--format=minio'], /^\{\n\t"accessKey"/],
    [['--json'], /^\{\n {2}"accessKeyId"/],
    [['-f', 'env'], /^export AWS_ACCESS_KEY_ID='/],
    [['-f', 'env', '--shell', 'fish'], /^set -gx AWS_ACCESS_KEY_ID '/],
    [['--field', 'accessKeyId'], new RegExp(`^${granted.accessKeyId}\n$`)],
    [['--field', 'expiration'], /^2026-11-23T17:00:00Z\n$/],
  ])('login prints one document with %j', async (flags, pattern) => {
    const { code, stdout } = await stage.ask(['login', ...flags])
    expect(code).toBe(0)
    expect(stdout).toMatch(pattern)
  })

  it('login -q prints nothing and caches the credentials', async () => {
    const quiet = await stage.ask(['login', '-q'], { isTty: true })
    expect(quiet).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await stage.cli(['creds'])).stdout).toBe(minioJson)
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('login -o writes a file readable only by its owner instead of stdout', async () => {
    const file = path.join(stage.home, 'creds.json')
    const { code, stdout } = await stage.ask(['login', '-q', '--json', '-o', file])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject(granted)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('login -o writes to a device instead of replacing it', async () => {
    // Through a symbolic link: a failing test must not replace the machine’s /dev/null.
    const link = path.join(stage.home, 'null')
    await symlink('/dev/null', link)
    const { code, stdout } = await stage.ask(['login', '-o', link])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
  })

  it('login exits 73 when the output file cannot be written', async () => {
    const file = path.join(stage.home, 'missing', 'creds.json')
    const { code, stdout, stderr } = await stage.ask(['login', '-o', file])
    expect({ code, stdout }).toEqual({ code: 73, stdout: '' })
    expect(stderr).toBe(`error: the file ${file} cannot be written (no such file or folder)\n`)
  })

  it('login requests new credentials even if valid ones are cached', async () => {
    await stage.ask(['login'])
    await stage.ask(['login'], { now: startMs + 1000 })
    expect(stage.idp.seen).toHaveLength(2)
  })

  it('login caches neither the client secret nor the provider’s token', async () => {
    await stage.ask(['login'])
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-default.json')
    const text = await readFile(file, 'utf8')
    expect(text).toContain(granted.sessionToken)
    for (const secret of [clientSecret, idpToken]) expect(text).not.toContain(secret)
  })

  it('login --cache none caches nothing', async () => {
    await stage.ask(['login', '--cache', 'none'])
    expect((await stage.cli(['status'])).code).toBe(1)
  })

  it('login exits 73 when it cannot write its cache', async () => {
    const file = path.join(stage.home, 'file')
    await writeFile(file, '')
    const env = { XDG_CACHE_HOME: file }
    const { code, stderr } = await stage.ask(['login'], { env })
    expect(code).toBe(73)
    expect(stderr).toContain('hint: use --cache none')
  })

  it('login caches the credentials of each profile separately', async () => {
    await stage.ask(['login', '-q', '-p', 'work'])
    expect((await stage.cli(['status'])).code).toBe(1)
    expect((await stage.cli(['status', '-p', 'work'])).code).toBe(0)
    expect((await stage.cli(['status'], { env: { STS_CLI_PROFILE: 'work' } })).code).toBe(0)
  })
})

describe('exchange request of login', () => {
  it('login sends the action, the version and the token as a form', async () => {
    stage.idp.answer = tokenAnswer({})
    await stage.ask(['login'])
    expect(stage.sts.seen[0]).toMatchObject({
      method: 'POST',
      url: '/',
      body: `Action=AssumeRoleWithClientGrants&Version=2011-06-15&Token=${idpToken}`,
    })
    expect(stage.sts.seen[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })

  it.each([
    ['the lifetime of the token', { expires_in: 3600 }, [], '3600'],
    ['the lifetime of the token, given as text', { expires_in: '1200' }, [], '1200'],
    ['at most a year', { expires_in: 99_999_999 }, [], '31536000'],
    ['at least 900 seconds', { expires_in: 900 }, [], '900'],
    ['no duration when the token expires sooner than 900 s', { expires_in: 899 }, [], null],
    ['no duration when the provider gives no lifetime', {}, [], null],
    ['no duration when the provider gives an invalid lifetime', { expires_in: -1 }, [], null],
    ['the value of --duration', { expires_in: 3600 }, ['--duration', '15m'], '900'],
    ['the value of --duration, even when too low', { expires_in: 3600 }, ['--duration=60'], '60'],
  ])('login requests %s', async (_what, answer, flags, seconds) => {
    stage.idp.answer = tokenAnswer(answer)
    await stage.ask(['login', ...flags])
    expect(stage.sts.seen[0]?.form.get('DurationSeconds')).toBe(seconds)
  })

  it('login takes the duration from the environment, and the flag overrides it', async () => {
    const env = { STS_CLI_DURATION: '2h' }
    await stage.ask(['login'], { env })
    await stage.ask(['login', '--duration', '1h'], { env })
    const asked = stage.sts.seen.map(({ form }) => form.get('DurationSeconds'))
    expect(asked).toEqual(['7200', '3600'])
  })

  it('login sends the parameters of the web identity action under their own names', async () => {
    await stage.ask([
      'login',
      '--action',
      'web-identity',
      '--policy',
      '{"Version":"2012-10-17"}',
      '--role-arn',
      'arn:aws:iam::1:role/r',
      '--role-session-name',
      'me',
    ])
    const { form } = stage.sts.seen[0] ?? { form: new URLSearchParams() }
    expect(Object.fromEntries(form)).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      WebIdentityToken: idpToken,
      DurationSeconds: '3600',
      Policy: '{"Version":"2012-10-17"}',
      RoleArn: 'arn:aws:iam::1:role/r',
      RoleSessionName: 'me',
    })
  })
})
