import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  clientId,
  clientSecret,
  openStage,
  startMs,
  type Stage,
} from '../support/commands/harness.ts'

const fileOf = (stage: Stage): string => path.join(stage.home, '.config', 'sts-cli', 'config.toml')

/** Opens a stage whose home has a configuration file. */
async function openConfigured(toml: string | ((stage: Stage) => string)): Promise<Stage> {
  const stage = await openStage()
  await mkdir(path.dirname(fileOf(stage)), { recursive: true })
  const text = typeof toml === 'string' ? toml : toml(stage)
  await writeFile(fileOf(stage), text, { mode: 0o600 })
  return stage
}

const complete = ({ idp, sts }: Stage): string => `
[profile.default]
idp-endpoint = "${idp.url}/token"
sts-endpoint = "${sts.url}"
client-id = "${clientId}"
client-secret = "${clientSecret}"
`

describe('profile', () => {
  it('a profile supplies every setting of a login', async () => {
    const stage = await openConfigured(complete)
    expect(await stage.cli(['login', '-q'])).toMatchObject({ code: 0, stderr: '' })
    expect(stage.idp.seen[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    )
    expect(stage.sts.seen).toHaveLength(1)
  })

  it('a profile is selected by name and can extend another profile', async () => {
    const stage = await openConfigured(
      (at) => `${complete(at)}\n[profile.ci]\nextends = "default"\nscope = "ci"\nduration = 1800\n`,
    )
    await stage.cli(['login', '-q', '-p', 'ci'])
    await stage.cli(['login', '-q'], { env: { STS_CLI_PROFILE: 'ci' }, now: startMs + 1 })

    expect(stage.idp.seen.map(({ form }) => form.get('scope'))).toEqual(['ci', 'ci'])
    expect(stage.sts.seen[0]?.form.get('DurationSeconds')).toBe('1800')
  })

  it('a variable overrides a profile, and a flag overrides a variable', async () => {
    const stage = await openConfigured((at) => `${complete(at)}scope = "profile"\n`)
    await stage.cli(['login', '-q'])
    await stage.cli(['login', '-q'], { env: { STS_CLI_SCOPE: 'variable' } })
    await stage.cli(['login', '-q', '--scope', 'flag'], { env: { STS_CLI_SCOPE: 'variable' } })
    expect(stage.idp.seen.map(({ form }) => form.get('scope'))).toEqual([
      'profile',
      'variable',
      'flag',
    ])
  })

  it('a flag overrides the profile’s setting that it excludes', async () => {
    const stage = await openConfigured(
      (at) => `${complete(at)}policy = '{"Version":"2012-10-17"}'\n`,
    )
    const file = path.join(stage.home, 'policy.json')
    await writeFile(file, '{}')
    await stage.cli(['login', '-q', '--policy-file', file])
    expect(stage.sts.seen[0]?.form.get('Policy')).toBe('{}')
  })

  it('a profile’s file paths are relative to its own folder or to the home directory', async () => {
    const stage = await openConfigured((at) =>
      complete(at).replace(/client-secret = .*/, 'client-secret-file = "secret.txt"'),
    )
    await writeFile(path.join(path.dirname(fileOf(stage)), 'secret.txt'), clientSecret)
    expect((await stage.cli(['login', '-q'])).code).toBe(0)

    await stage.cli(['config', 'set', 'client-secret-file', '~/other.txt'])
    await writeFile(path.join(stage.home, 'other.txt'), clientSecret)
    expect((await stage.cli(['login', '-q'])).code).toBe(0)
  })

  it('a profile sets a switch, and a flag can unset it', async () => {
    const stage = await openConfigured((at) => `${complete(at)}no-endpoint = true\n`)
    await stage.cli(['login', '-q'])
    expect((await stage.cli(['env'])).stdout).not.toContain('AWS_ENDPOINT_URL')
    expect((await stage.cli(['env', '--no-endpoint=false'])).stdout).toContain('AWS_ENDPOINT_URL')
  })

  it.each([
    ['a key it does not know', 'isuer = "x"', 'the key isuer is not known', 'did you mean issuer?'],
    ['a key for a single command', 'output = "x"', 'the key output is not known', undefined],
    ['a number for a switch', 'insecure = 1', 'insecure must be true or false', undefined],
    ['a text for a list', 'param = "a=b"', 'param must be a list of texts', undefined],
    ['a missing parent', 'extends = "none"', 'no profile none to extend', undefined],
    ['itself as its parent', 'extends = "default"', 'extends itself', undefined],
    ['invalid TOML', 'scope', 'is not TOML, line 2', undefined],
  ])('a profile with %s is refused, naming the fault', async (_what, line, message, hint) => {
    const stage = await openConfigured(`[profile.default]\n${line}\n`)
    const { code, stderr } = await stage.cli(['login'])
    expect([code, stderr]).toEqual([78, expect.stringContaining(message)])
    expect(stderr).toContain(hint ?? '')
    expect(stage.idp.seen).toEqual([])
  })

  it.each([
    ['a setting outside every profile', 'scope = "x"', 'scope is not known'],
    ['another table', '[profiles.default]', 'profiles is not known'],
    ['a value where a profile should be', '[profile]\nscope = "x"', 'stands outside of a profile'],
  ])('a configuration file with %s is refused', async (_what, toml, message) => {
    const stage = await openConfigured(toml)
    expect(await stage.cli(['login'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(message),
    })
  })

  it('a configuration with a secret that others can read is refused without printing the secret', async () => {
    const stage = await openConfigured(complete)
    await chmod(fileOf(stage), 0o640)
    const { code, stderr } = await stage.cli(['login'])
    expect([code, stderr]).toEqual([78, expect.stringContaining('chmod 600')])
    expect(stderr).not.toContain(clientSecret)
  })

  it('an error about invalid TOML quotes nothing from the file', async () => {
    const stage = await openConfigured(`[profile.default]\nclient-secret = "${clientSecret}\n`)
    const { code, stderr } = await stage.cli(['login', '--debug'])
    expect([code, stderr]).toEqual([78, expect.stringContaining('line 2')])
    expect(stderr).not.toContain(clientSecret)
  })

  it('--config and STS_CLI_CONFIG select the configuration file, which must exist', async () => {
    const stage = await openConfigured('no TOML')
    const other = path.join(stage.home, 'other.toml')
    const missing = await stage.cli(['login', '--config', other])
    expect(missing).toMatchObject({ code: 66, stderr: expect.stringContaining(other) })
    await writeFile(other, complete(stage), { mode: 0o600 })
    expect((await stage.cli(['login', '-q', '--config', other])).code).toBe(0)
    expect((await stage.cli(['login', '-q'], { env: { STS_CLI_CONFIG: other } })).code).toBe(0)
  })
})

describe('config path', () => {
  it.each([
    ['in the home directory', { HOME: '/home/me' }, '/home/me/.config/sts-cli/config.toml'],
    ['in XDG_CONFIG_HOME', { HOME: '/home/me', XDG_CONFIG_HOME: '/x' }, '/x/sts-cli/config.toml'],
    [
      'in the home directory for a relative XDG_CONFIG_HOME',
      { HOME: '/home/me', XDG_CONFIG_HOME: 'x' },
      '/home/me/.config/sts-cli/config.toml',
    ],
    ['in STS_CLI_CONFIG', { HOME: '/home/me', STS_CLI_CONFIG: '/y.toml' }, '/y.toml'],
  ])('config path prints a file %s', async (_where, env, file) => {
    const stage = await openStage()
    expect(await stage.cli(['config', 'path'], { env })).toMatchObject({
      code: 0,
      stdout: `${file}\n`,
    })
  })

  it('config path exits 78 without a home directory', async () => {
    const stage = await openStage()
    expect((await stage.cli(['config', 'path'], { env: { HOME: '' } })).code).toBe(78)
  })
})

describe('config list', () => {
  it('config list prints the profile names, and with --json the settings without secrets', async () => {
    const stage = await openConfigured(
      (at) => `${complete(at)}\n[profile.ci]\nextends = "default"\nscope = "ci"\n`,
    )
    expect((await stage.cli(['config', 'list'])).stdout).toBe('default\nci\n')
    const { stdout } = await stage.cli(['config', 'list', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      default: { 'client-id': clientId, 'client-secret': '…' },
      ci: { 'client-id': clientId, scope: 'ci' },
    })
    expect(stdout).not.toContain(clientSecret)
  })

  it('config list prints nothing without a configuration', async () => {
    const stage = await openStage()
    expect(await stage.cli(['config', 'list'])).toMatchObject({ code: 0, stdout: '' })
  })
})

describe('config get', () => {
  it('config get prints a setting’s effective value and its origin', async () => {
    const stage = await openConfigured(
      (at) => `${complete(at)}\n[profile.ci]\nextends = "default"\nscope = "ci"\n`,
    )
    const get = async (key: string, env: Record<string, string> = {}): Promise<string> =>
      (await stage.cli(['config', 'get', key, '--origin', '-p', 'ci'], { env })).stdout
    const from = (profile: string): string => `profile ${profile} in ${fileOf(stage)}`

    expect(await get('scope')).toBe(`ci\t${from('ci')}\n`)
    expect(await get('cid')).toBe(`${clientId}\t${from('default')}\n`)
    expect(await get('scope', { STS_CLI_SCOPE: 'x' })).toBe('x\tSTS_CLI_SCOPE\n')
    expect(await get('role-arn', { AWS_ROLE_ARN: 'arn' })).toBe('arn\tAWS_ROLE_ARN\n')
    expect(await get('action')).toBe('client-grants\tdefault\n')
    expect((await stage.cli(['config', 'get', 'scope', '-p', 'ci'])).stdout).toBe('ci\n')
  })

  it('config get exits 1 for a setting without a value and never prints a secret', async () => {
    const stage = await openConfigured(complete)
    expect(await stage.cli(['config', 'get', 'scope'])).toMatchObject({ code: 1, stdout: '' })
    const secret = await stage.cli(['config', 'get', 'client-secret'])
    expect(secret).toMatchObject({ code: 64, stdout: '' })
    expect(secret.stderr).not.toContain(clientSecret)
  })
})

describe('config set', () => {
  const original =
    '# mine\n[profile.default] # the usual\nscope = "a" # why\n\n[profile."b c"]\nscope="x"\n'

  it.each([
    ['an existing key', ['scope', 'new'], original.replace('"a" # why', '"new"')],
    [
      'a missing key',
      ['action', 'web-identity'],
      original.replace('# why\n', '# why\naction = "web-identity"\n'),
    ],
    ['a switch', ['insecure', 'true'], original.replace('# why\n', '# why\ninsecure = true\n')],
    [
      'a list',
      ['param', 'a=b', 'c=d'],
      original.replace('# why\n', '# why\nparam = ["a=b","c=d"]\n'),
    ],
    ['a hostile text', ['scope', '"\\\n]'], original.replace('"a" # why', '"\\"\\\\\\n]"')],
    [
      'an alias under its long name',
      ['cid', 'me'],
      original.replace('# why\n', '# why\nclient-id = "me"\n'),
    ],
    ['a quoted profile', ['-p', 'b c', 'scope', 'y'], original.replace('scope="x"', 'scope = "y"')],
    [
      'a new profile',
      ['-p', 'ci', 'extends', 'default'],
      `${original}\n[profile.ci]\nextends = "default"\n`,
    ],
    [
      'a profile with a strange name',
      ['-p', 'a.b', 'scope', 'z'],
      `${original}\n[profile."a.b"]\nscope = "z"\n`,
    ],
  ])('config set changes %s and no other byte', async (_what, operands, text) => {
    const stage = await openConfigured(original)
    expect(await stage.cli(['config', 'set', ...operands])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(await readFile(fileOf(stage), 'utf8')).toBe(text)
  })

  it('config set creates the file readable only by its owner and keeps the line endings', async () => {
    const stage = await openStage()
    await stage.cli(['config', 'set', 'scope', 'a'])
    expect(await readFile(fileOf(stage), 'utf8')).toBe('[profile.default]\nscope = "a"\n')

    await writeFile(fileOf(stage), '[profile.default]\r\nscope = "a"\r\n')
    await stage.cli(['config', 'set', 'scope', 'b'])
    expect(await readFile(fileOf(stage), 'utf8')).toBe('[profile.default]\r\nscope = "b"\r\n')
  })

  it('config set creates the missing target of a symbolic link', async () => {
    const stage = await openStage()
    const target = path.join(stage.home, 'dotfiles.toml')
    await mkdir(path.dirname(fileOf(stage)), { recursive: true })
    await symlink(target, fileOf(stage))
    expect(await stage.cli(['config', 'set', 'scope', 'a'])).toMatchObject({ code: 0 })
    expect(await readFile(target, 'utf8')).toBe('[profile.default]\nscope = "a"\n')
  })

  it('config set reads a secret from stdin or a prompt, never from the command line', async () => {
    const stage = await openStage()
    const refused = await stage.cli(['config', 'set', 'csec', clientSecret])
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('client-secret -') })
    expect(refused.stderr).not.toContain(clientSecret)

    await stage.cli(['config', 'set', 'csec', '-'], { stdin: 'from stdin\n' })
    expect(await readFile(fileOf(stage), 'utf8')).toContain('client-secret = "from stdin"')
    await stage.cli(['config', 'set', 'csec'], { typed: 'typed' })
    expect(await readFile(fileOf(stage), 'utf8')).toContain('client-secret = "typed"')
  })

  it.each([
    ['a value over several lines', '[profile.default]\nparam = [\n  "a=b",\n]\n'],
    ['profiles written as inline tables', '[profile]\ndefault = { param = ["a=b"] }\n'],
  ])('config set does not edit a file with %s', async (_what, text) => {
    const stage = await openConfigured(text)
    const { code, stderr } = await stage.cli(['config', 'set', 'param', 'c=d'])
    expect([code, stderr]).toEqual([78, expect.stringContaining('by hand')])
    expect(await readFile(fileOf(stage), 'utf8')).toBe(text)
  })

  it.each([
    [['config'], 'config takes what to do'],
    [['config', 'gett'], 'did you mean get?'],
    [['config', 'get'], 'takes one KEY'],
    [['config', 'get', 'isuer'], 'did you mean issuer?'],
    [['config', 'set', 'isuer', 'x'], 'did you mean issuer?'],
    [['config', 'set', 'scope'], 'takes one VALUE'],
    [['config', 'set', 'insecure', 'yes'], 'true or false'],
  ])('config rejects the arguments %j', async (argv, message) => {
    const stage = await openStage()
    expect(await stage.cli(argv)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(message),
    })
  })
})
