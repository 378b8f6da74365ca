import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { granted, minioJson, openStage, startMs, type Stage } from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

const posix = `export AWS_ACCESS_KEY_ID='${granted.accessKeyId}';`

describe('creds', () => {
  it('creds prints the credentials of the login without another request', async () => {
    await stage.ask(['login', '-q'])
    expect(await stage.cli(['creds'])).toMatchObject({ code: 0, stdout: minioJson, stderr: '' })
    expect(stage.idp.seen).toHaveLength(1)
  })

  it.each([
    [['-f', 'process'], {}, '{"Version":1,'],
    [['--json'], {}, '{\n  "accessKeyId"'],
    [[], { STS_CLI_FORMAT: 'json' }, '{\n  "accessKeyId"'],
    [['-f', 'minio'], { STS_CLI_FORMAT: 'json' }, '{\n\t"accessKey"'],
    [['--field', 'secretAccessKey'], {}, `${granted.secretAccessKey}\n`],
    [['--field=sessionToken'], {}, `${granted.sessionToken}\n`],
    [['-f', 'env', '--no-endpoint', '--region', 'x'], {}, posix],
  ])('creds prints the format selected by %j and %j', async (flags, env, start) => {
    await stage.ask(['login', '-q'])
    const { code, stdout } = await stage.cli(['creds', ...flags], { env })
    expect(code).toBe(0)
    expect(stdout.slice(0, start.length)).toBe(start)
  })

  it.each([
    [['-f', 'yaml'], '--format "yaml" is not known'],
    [['--field', 'password'], '--field "password" is not known'],
    [['--shell', 'csh'], '--shell "csh" is not known'],
  ])('creds refuses %j before any request', async (flags, message) => {
    const { code, stdout, stderr } = await stage.ask(['creds', ...flags])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^error: ${message}\nhint: use `))
    expect(stage.idp.seen).toEqual([])
  })

  it.each([
    [['--cache', 'floppy'], '--cache "floppy" is not known'],
    [['--min-ttl', 'soon'], '--min-ttl "soon" is not a duration'],
    [['--min-ttl', '-5'], '--min-ttl "-5" is not a duration'],
  ])('creds refuses %j even with valid cached credentials', async (flags, message) => {
    await stage.ask(['login', '-q'])
    const { code, stdout, stderr } = await stage.cli(['creds', ...flags])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('creds exits 77 and suggests login when nothing is cached', async () => {
    const { code, stdout, stderr } = await stage.cli(['creds'])
    expect({ code, stdout }).toEqual({ code: 77, stdout: '' })
    expect(stderr).toBe(
      'error: there are no credentials, or they are about to expire\nhint: sts-cli login\n',
    )
  })

  it('creds never prompts: without a secret it fails, on a terminal too', async () => {
    const { code, io } = await stage.cli(['creds', '-cid', 'x'], { typed: 'secret', isTty: true })
    expect(code).toBe(77)
    expect(io.prompts).toEqual([])
  })

  it('creds renews the credentials when the environment has the client', async () => {
    const env = clientVariables()
    await stage.cli(['login', '-q'], { env })
    const late = startMs + 49 * 60_000
    expect((await stage.cli(['creds'], { env, now: late })).code).toBe(0)
    expect(stage.idp.seen).toHaveLength(2)
  })

  it.each([
    ['more than a fifth of the lifetime is left', 47, [], 1],
    ['less than a fifth of the lifetime is left', 49, [], 2],
    ['less than --min-ttl is left', 10, ['--min-ttl', '55m'], 2],
    ['--refresh is given', 1, ['--refresh'], 2],
    ['the cache is disabled', 1, ['--cache', 'none'], 2],
    ['the clock was set back to before the login', -6, [], 2],
  ])('creds renews only when needed, here when %s', async (_when, minutes, flags, requests) => {
    const env = clientVariables()
    await stage.cli(['login', '-q'], { env })
    await stage.cli(['creds', ...flags], { env, now: startMs + minutes * 60_000 })
    expect(stage.idp.seen).toHaveLength(requests)
  })

  it('creds caches by client: the same flags reuse the entry, another client does not', async () => {
    await stage.ask(['creds'])
    await stage.ask(['creds'])
    expect(stage.idp.seen).toHaveLength(1)
    await stage.ask(['creds', '-cid', 'another'])
    expect(stage.idp.seen).toHaveLength(2)
  })

  it.each([
    ['--scope', 'a'],
    ['--audience', 'a'],
    ['--param', 'a=b'],
    ['--role-arn', 'arn:aws:iam::1:role/r'],
    ['--role-session-name', 'me'],
    ['--policy', '{}'],
    ['--duration', '1h'],
  ])('creds does not print credentials cached for another %s', async (flag, value) => {
    const env = clientVariables()
    await stage.cli(['login', '-q'], { env })
    await stage.cli(['creds', flag, value], { env })
    expect(stage.sts.seen).toHaveLength(2)
  })
})

describe('env', () => {
  it('env prints lines for the calling shell', async () => {
    await stage.ask(['login', '-q'])
    const { code, stdout, stderr } = await stage.cli(['env'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')[0]).toBe(posix)
    expect(stdout).toContain(`export AWS_ENDPOINT_URL_S3='${stage.sts.url}';`)
    const fish = await stage.cli(['env'], { env: { SHELL: '/usr/bin/fish' } })
    expect(fish.stdout).toMatch(/^set -gx AWS_ACCESS_KEY_ID '/)
    const power = await stage.cli(['env', '--shell', 'powershell'])
    expect(power.stdout).toMatch(/^\$Env:AWS_ACCESS_KEY_ID = '/)
  })

  it('env makes one request for repeated identical command lines', async () => {
    await stage.ask(['env'])
    await stage.ask(['env'])
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('env --unset unsets the variables without cached credentials', async () => {
    const { code, stdout } = await stage.cli(['env', '--unset'])
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toEqual([
      'unset AWS_ACCESS_KEY_ID;',
      'unset AWS_SECRET_ACCESS_KEY;',
      'unset AWS_SESSION_TOKEN;',
      'unset AWS_CREDENTIAL_EXPIRATION;',
      'unset AWS_ENDPOINT_URL_S3;',
      'unset AWS_ENDPOINT_URL_STS;',
    ])
  })

  it('env -o writes a file readable only by its owner', async () => {
    const file = path.join(stage.home, 'env.sh')
    await stage.ask(['env', '-o', file])
    expect(await readFile(file, 'utf8')).toContain(posix)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it.each([
    [[], {}, 'false;\n'],
    [['--shell', 'sh'], {}, 'false;\n'],
    [['--shell=fish'], {}, 'false;\n'],
    [['-shell', 'powershell'], {}, `throw 'sts-cli failed'\n`],
    [['--shell', 'cmd'], {}, 'exit /b 1\n'],
    [[], { SHELL: '/usr/bin/fish' }, 'false;\n'],
  ])('env prints a line that fails in the shell of %j %j', async (flags, env, line) => {
    const { code, stdout } = await stage.cli(['env', ...flags], { env })
    expect({ code, stdout }).toEqual({ code: 77, stdout: line })
  })

  it.each([
    ['an unknown flag', ['--nope'], 64],
    ['a flag without its value', ['--shell'], 64],
    ['an unknown shell', ['--shell', 'csh'], 64],
    ['an unexpected argument', ['sh'], 64],
    ['a command after --', ['--', 'ls'], 64],
    ['two conflicting flags', ['--token', 'a', '--token-file', 'b'], 64],
    [
      'a provider that refuses connections',
      ['-cid', 'x', '-csec', 'y', '-idp-ep', 'http://127.0.0.1:1'],
      69,
    ],
  ])('env prints a line that fails for %s', async (_what, flags, code) => {
    const ran = await stage.cli(['env', '--retries=0', ...flags])
    expect(ran).toMatchObject({ code, stdout: 'false;\n' })
    expect(ran.stderr).toMatch(/^error: /)
  })

  it('env --json prints its error as JSON on stderr and a failing line on stdout', async () => {
    const { stdout, stderr } = await stage.cli(['env', '--json'])
    expect(stdout).toBe('false;\n')
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ERR_REFUSED', exitCode: 77 } })
  })
})

function clientVariables(): Record<string, string> {
  const [, idp = '', , sts = '', , cid = '', , secret = ''] = stage.flags
  return {
    STS_CLI_IDP_ENDPOINT: idp,
    STS_CLI_STS_ENDPOINT: sts,
    STS_CLI_CLIENT_ID: cid,
    STS_CLI_CLIENT_SECRET: secret,
  }
}

describe('formats for other programs', () => {
  beforeEach(() => stage.ask(['login', '-q']))

  it.each([
    [['-f', 'mc'], 'export MC_HOST_sts='],
    [['-f', 'mc', '--alias', 'local_1'], 'export MC_HOST_local_1='],
    [['-f', 'rclone', '--shell', 'fish'], `set -gx RCLONE_CONFIG_STS_TYPE 's3';`],
    [['-f', 'ini'], '[default]\n'],
    [['-f', 'ini', '--alias', 'my minio'], '[my minio]\n'],
    [['-f', 's3cmd'], '[default]\naccess_key = '],
    [['-f', 'dotenv'], 'AWS_ACCESS_KEY_ID='],
  ])('creds prints the format of %j', async (flags, start) => {
    const { code, stdout, stderr } = await stage.cli(['creds', ...flags])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.slice(0, start.length)).toBe(start)
  })

  it('creds names the mc and ini formats after the profile', async () => {
    await stage.ask(['login', '-q', '-p', 'ci'])
    expect((await stage.cli(['creds', '-p', 'ci', '-f', 'mc'])).stdout).toMatch(/MC_HOST_ci=/)
    expect((await stage.cli(['creds', '-p', 'ci', '-f', 'ini'])).stdout).toMatch(/^\[ci\]/)
  })

  it.each([
    ['mc', 'my-minio'],
    ['mc', '1st'],
    ['mc', 'x=1; evil; y'],
    ['rclone', 'a b'],
    ['rclone', ''],
    ['ini', 'a]b'],
    ['ini', 'a\nb'],
    ['ini', ''],
  ])('the format %s refuses the name %j before any request', async (format, alias) => {
    await stage.cli(['logout'])
    const { code, stdout, stderr } = await stage.ask(['creds', '-f', format, '--alias', alias])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`error: ${JSON.stringify(alias)} is no name for ${format}\nhint: `)
    expect(stage.idp.seen).toHaveLength(1)
  })
})

describe('creds -f github', () => {
  it('creds -f github prints the masks and appends to the runner’s files', async () => {
    const [variables, outputs] = ['env', 'output'].map((name) => path.join(stage.home, name))
    await writeFile(variables ?? '', 'BEFORE=1')
    const env = { GITHUB_ENV: variables, GITHUB_OUTPUT: outputs }
    const { code, stdout, stderr } = await stage.ask(['creds', '-f', 'github'], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      `::add-mask::${granted.accessKeyId}`,
      `::add-mask::${granted.secretAccessKey}`,
      `::add-mask::${granted.sessionToken}`,
      '',
    ])
    expect(await readFile(variables ?? '', 'utf8')).toMatch(/^BEFORE=1\nAWS_ACCESS_KEY_ID<</)
    expect(await readFile(outputs ?? '', 'utf8')).toMatch(/^\naws-access-key-id<</)
  })

  it('creds -f github is refused outside GitHub Actions and with --output, before any request', async () => {
    const elsewhere = await stage.ask(['creds', '-f', 'github'])
    expect(elsewhere).toMatchObject({ code: 78, stdout: '' })
    expect(elsewhere.stderr).toContain('hint: GITHUB_ENV is not set here')
    const both = await stage.ask(['creds', '-f', 'github', '-o', 'x'], { env: { GITHUB_ENV: 'y' } })
    expect(both).toMatchObject({ code: 64, stdout: '' })
    expect(stage.idp.seen).toEqual([])
  })

  it('creds -f github reports an unwritable file after it printed the masks', async () => {
    const env = { GITHUB_ENV: path.join(stage.home, 'no', 'such', 'folder') }
    const { code, stdout, stderr } = await stage.ask(['creds', '-f', 'github'], { env })
    expect(code).toBe(73)
    expect(stdout).toContain('::add-mask::')
    expect(stderr).toContain(`error: the file ${env.GITHUB_ENV} cannot be written (`)
  })
})
