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

/** A stage whose home has a configuration. */
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

describe('a profile', () => {
  it('says all that a login needs', async () => {
    const stage = await openConfigured(complete)
    expect(await stage.cli(['login', '-q'])).toMatchObject({ code: 0, stderr: '' })
    expect(stage.idp.seen[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    )
    expect(stage.sts.seen).toHaveLength(1)
  })

  it('is chosen by name, and extends another', async () => {
    const stage = await openConfigured(
      (at) => `${complete(at)}\n[profile.ci]\nextends = "default"\nscope = "ci"\nduration = 1800\n`,
    )
    await stage.cli(['login', '-q', '-p', 'ci'])
    await stage.cli(['login', '-q'], { env: { STS_CLI_PROFILE: 'ci' }, now: startMs + 1 })

    expect(stage.idp.seen.map(({ form }) => form.get('scope'))).toEqual(['ci', 'ci'])
    expect(stage.sts.seen[0]?.form.get('DurationSeconds')).toBe('1800')
  })

  it('is spoken over by a variable, and that by a flag', async () => {
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

  it('names one of two settings that exclude each other, a flag the other', async () => {
    const stage = await openConfigured(
      (at) => `${complete(at)}policy = '{"Version":"2012-10-17"}'\n`,
    )
    const file = path.join(stage.home, 'policy.json')
    await writeFile(file, '{}')
    await stage.cli(['login', '-q', '--policy-file', file])
    expect(stage.sts.seen[0]?.form.get('Policy')).toBe('{}')
  })

  it('names files beside itself and below the home', async () => {
    const stage = await openConfigured((at) =>
      complete(at).replace(/client-secret = .*/, 'client-secret-file = "secret.txt"'),
    )
    await writeFile(path.join(path.dirname(fileOf(stage)), 'secret.txt'), clientSecret)
    expect((await stage.cli(['login', '-q'])).code).toBe(0)

    await stage.cli(['config', 'set', 'client-secret-file', '~/other.txt'])
    await writeFile(path.join(stage.home, 'other.txt'), clientSecret)
    expect((await stage.cli(['login', '-q'])).code).toBe(0)
  })

  it('switches what is on or off, and a flag switches it back', async () => {
    const stage = await openConfigured((at) => `${complete(at)}no-endpoint = true\n`)
    await stage.cli(['login', '-q'])
    expect((await stage.cli(['env'])).stdout).not.toContain('AWS_ENDPOINT_URL')
    expect((await stage.cli(['env', '--no-endpoint=false'])).stdout).toContain('AWS_ENDPOINT_URL')
  })

  it.each([
    ['a key it does not know', 'isuer = "x"', 'the key isuer is not known', 'did you mean issuer?'],
    ['a key for one command alone', 'output = "x"', 'the key output is not known', undefined],
    ['a number for a switch', 'insecure = 1', 'insecure must be true or false', undefined],
    ['a text for a list', 'param = "a=b"', 'param must be a list of texts', undefined],
    ['a parent that is not there', 'extends = "none"', 'no profile none to extend', undefined],
    ['itself for a parent', 'extends = "default"', 'extends itself', undefined],
    ['no TOML', 'scope', 'is not TOML, line 2', undefined],
  ])('with %s is refused by name', async (_what, line, message, hint) => {
    const stage = await openConfigured(`[profile.default]\n${line}\n`)
    const { code, stderr } = await stage.cli(['login'])
    expect([code, stderr]).toEqual([78, expect.stringContaining(message)])
    expect(stderr).toContain(hint ?? '')
    expect(stage.idp.seen).toEqual([])
  })

  it.each([
    ['a setting outside of every profile', 'scope = "x"', 'scope is not known'],
    ['another table', '[profiles.default]', 'profiles is not known'],
    ['a value where a profile should be', '[profile]\nscope = "x"', 'stands outside of a profile'],
  ])('is not read from a file with %s', async (_what, toml, message) => {
    const stage = await openConfigured(toml)
    expect(await stage.cli(['login'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(message),
    })
  })

  it('with a secret is refused while others can read it, and nothing of it is said', async () => {
    const stage = await openConfigured(complete)
    await chmod(fileOf(stage), 0o640)
    const { code, stderr } = await stage.cli(['login'])
    expect([code, stderr]).toEqual([78, expect.stringContaining('chmod 600')])
    expect(stderr).not.toContain(clientSecret)
  })

  it('that is not TOML is refused without a word of what stands in it', async () => {
    const stage = await openConfigured(`[profile.default]\nclient-secret = "${clientSecret}\n`)
    const { code, stderr } = await stage.cli(['login', '--debug'])
    expect([code, stderr]).toEqual([78, expect.stringContaining('line 2')])
    expect(stderr).not.toContain(clientSecret)
  })

  it('is read from the file that is named, which must be there', async () => {
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
    ['in the home', { HOME: '/home/me' }, '/home/me/.config/sts-cli/config.toml'],
    ['where XDG says', { HOME: '/home/me', XDG_CONFIG_HOME: '/x' }, '/x/sts-cli/config.toml'],
    [
      'in the home, for a relative XDG',
      { HOME: '/home/me', XDG_CONFIG_HOME: 'x' },
      '/home/me/.config/sts-cli/config.toml',
    ],
    ['where it is named', { HOME: '/home/me', STS_CLI_CONFIG: '/y.toml' }, '/y.toml'],
  ])('is %s', async (_where, env, file) => {
    const stage = await openStage()
    expect(await stage.cli(['config', 'path'], { env })).toMatchObject({
      code: 0,
      stdout: `${file}\n`,
    })
  })

  it('has no answer without a home', async () => {
    const stage = await openStage()
    expect((await stage.cli(['config', 'path'], { env: { HOME: '' } })).code).toBe(78)
  })
})

describe('config list', () => {
  it('prints names, and with --json what they say, less every secret', async () => {
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

  it('prints nothing where there is nothing', async () => {
    const stage = await openStage()
    expect(await stage.cli(['config', 'list'])).toMatchObject({ code: 0, stdout: '' })
  })
})

describe('config get', () => {
  it('prints what a command would take, and where it comes from', async () => {
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

  it('ends with 1 for what nothing gives, and never prints a secret', async () => {
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
    ['a key that is there', ['scope', 'new'], original.replace('"a" # why', '"new"')],
    [
      'a key that is not',
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
      'an alias by its long name',
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
  ])('changes %s and no other byte', async (_what, operands, text) => {
    const stage = await openConfigured(original)
    expect(await stage.cli(['config', 'set', ...operands])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(await readFile(fileOf(stage), 'utf8')).toBe(text)
  })

  it('makes the file, for its owner alone, and keeps the ends of its lines', async () => {
    const stage = await openStage()
    await stage.cli(['config', 'set', 'scope', 'a'])
    expect(await readFile(fileOf(stage), 'utf8')).toBe('[profile.default]\nscope = "a"\n')

    await writeFile(fileOf(stage), '[profile.default]\r\nscope = "a"\r\n')
    await stage.cli(['config', 'set', 'scope', 'b'])
    expect(await readFile(fileOf(stage), 'utf8')).toBe('[profile.default]\r\nscope = "b"\r\n')
  })

  it('makes the file that a link stands for, where there is none yet', async () => {
    const stage = await openStage()
    const target = path.join(stage.home, 'dotfiles.toml')
    await mkdir(path.dirname(fileOf(stage)), { recursive: true })
    await symlink(target, fileOf(stage))
    expect(await stage.cli(['config', 'set', 'scope', 'a'])).toMatchObject({ code: 0 })
    expect(await readFile(target, 'utf8')).toBe('[profile.default]\nscope = "a"\n')
  })

  it('takes a secret from stdin or the terminal, never from the command line', async () => {
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
    ['profiles in another spelling', '[profile]\ndefault = { param = ["a=b"] }\n'],
  ])('leaves a file with %s to its owner', async (_what, text) => {
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
  ])('is one of four things one can do: %j', async (argv, message) => {
    const stage = await openStage()
    expect(await stage.cli(argv)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(message),
    })
  })
})
