import { findUserDirectory } from '../../src/client/find-user-directory.ts'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { writeServeState } from '../../src/client/serve-state.ts'
import {
  clientId,
  clientSecret,
  type Fake,
  granted,
  type IoOptions,
  openStage,
  type Ran,
  type Reply,
  type Seen,
  type Stage,
  startFake,
  startMs,
  stsAnswer,
  tokenAnswer,
} from '../support/commands/harness.ts'

const later = startMs + 3_600_000
const demo = { clientId: 'demo', clientSecret: 'demo-secret' }
const theirs = { ...granted, accessKeyId: 'SOMEBODYELSESKEY0000' }

let stage: Stage
/** A server without any login from this user, such as another `sts-cli serve`. */
let other: { readonly idp: Fake; readonly sts: Fake }

beforeEach(async () => {
  stage = await openStage()
  stage.sts.answer = answerWith(granted)
  other = { idp: await startFake(tokenAnswer()), sts: await startFake(answerWith(theirs)) }
})

/** Returns answers whose first credentials have expired at `later`; all others are still valid. */
function answerWith(keys: typeof granted): (seen: Seen, count: number) => Reply {
  return ({ form }, count) =>
    stsAnswer(form.get('Action') ?? undefined, {
      ...keys,
      expirationText: count === 0 ? '2026-11-23T17:00:00Z' : '2026-11-23T19:00:00Z',
    })
}

/** Publishes the state of the other server, as `serve` does while it runs. */
function serveOther(): () => void {
  const state = { stsEndpoint: other.sts.url, tokenEndpoint: `${other.idp.url}/token`, ...demo }
  const directory =
    findUserDirectory('state', { env: { HOME: stage.home }, platform: 'linux' }) ?? ''
  return writeServeState(directory, { pid: process.pid, certificates: 'PEM', state }).remove
}

async function configure(text: string): Promise<void> {
  const file = path.join(stage.home, '.config', 'sts-cli', 'config.toml')
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text, { mode: 0o600 })
}

async function writeSecret(): Promise<string> {
  const file = path.join(stage.home, 'secret')
  await writeFile(file, clientSecret)
  return file
}

const readEntry = (profile: string): Promise<string> =>
  readFile(path.join(stage.home, '.cache', 'sts-cli', `profile-${profile}.json`), 'utf8')
/** The endpoints and the client of the login as flags, without a secret. */
const atStage = (): readonly string[] => stage.flags.slice(0, 6)
const run = (argv: readonly string[], options: IoOptions = {}): Promise<Ran> =>
  stage.cli(argv, { now: later, ...options })
const expectRefused = (ran: Ran, code = 77): void => {
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' })
  expect([...other.idp.seen, ...other.sts.seen]).toEqual([])
}

describe('expired credentials of a login by flags', () => {
  it.each(['default', 'prod'])(
    'expired credentials of the profile %s are not renewed by another running server: exit 77',
    async (profile) => {
      await stage.ask(['login', '-q', '-p', profile])
      serveOther()
      const commands = [['creds'], ['credential-process'], ['write'], ['exec']]
      for (const [command = ''] of commands) {
        const tail = command === 'exec' ? ['--', 'true'] : []
        const ran = await run([command, '-p', profile, ...tail])
        expectRefused(ran)
        expect(ran.stderr).toContain(`${clientId} at ${stage.sts.url}`)
        expect(ran.stderr).toContain('the client secret was given by a flag, and is not kept')
        expect(ran.stderr).toContain('hint: sts-cli login')
      }
      const env = await run(['env', '-p', profile])
      expect([env.code, env.stdout]).toEqual([77, 'false;\n'])
    },
  )

  it('an expired login by flags reports the endpoint and the client for the next login', async () => {
    await stage.ask(['login', '-q'])
    const { stderr } = await run(['creds'])
    expect(stderr).toContain(
      `hint: sts-cli login -sts-ep ${stage.sts.url} -idp-ep ${stage.idp.url}/token -cid ${clientId}\n`,
    )
  })

  it('expired credentials are renewed with a secret file and every option of the login', async () => {
    const file = await writeSecret()
    const policy = '{"Version":"2012-10-17"}'
    const options = ['--scope', 's', '--audience', 'a', '--param', 'x=y', '--policy', policy]
    const sts = ['--duration', '20m', '--role-arn', 'arn:x', '--role-session-name', 'n']
    const argv = ['login', '-q', '-p', 'prod', ...atStage(), '--client-secret-file', file]
    await stage.cli([...argv, ...options, ...sts, '--auth-method', 'client_secret_post'])
    serveOther()
    expect(await run(['creds', '-p', 'prod'])).toMatchObject({ code: 0, stderr: '' })
    for (const { seen } of [stage.idp, stage.sts]) {
      expect(seen).toHaveLength(2)
      expect(seen[1]?.body).toBe(seen[0]?.body)
    }
    expect(other.sts.seen).toEqual([])
  })

  it('credentials keep the options of their login across several renewals', async () => {
    const file = await writeSecret()
    const scope = ['--client-secret-file', file, '--scope', 'narrow']
    await stage.cli(['login', '-q', '-p', 'prod', ...atStage(), ...scope])
    await run(['creds', '-p', 'prod'])
    await stage.cli(['creds', '-p', 'prod', '--refresh'], { now: later + 1 })
    expect(stage.idp.seen.map(({ form }) => form.get('scope'))).toEqual(Array(3).fill('narrow'))
  })

  it('a renewal ignores environment variables set after the login', async () => {
    const file = await writeSecret()
    await stage.cli(['login', '-q', ...atStage(), '--client-secret-file', file])
    const env = {
      AWS_ENDPOINT_URL_STS: other.sts.url,
      AWS_ROLE_ARN: 'arn:other',
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      STS_CLI_SCOPE: 'wide',
      STS_CLI_CLIENT_SECRET: 'of-somebody-else',
    }
    expect((await run(['creds'], { env })).code).toBe(0)
    expect(stage.idp.seen[1]?.body).toBe(stage.idp.seen[0]?.body)
    expect(stage.idp.seen[1]?.headers.authorization).toBe(stage.idp.seen[0]?.headers.authorization)
    expect(stage.sts.seen[1]?.body).toBe(stage.sts.seen[0]?.body)
    expect(other.sts.seen).toEqual([])
  })

  it.each<[string, string[], IoOptions]>([
    ['a prompt', [], { typed: clientSecret }],
    ['standard input', ['-csec', '-'], { stdin: clientSecret }],
    ['a command, which may contain it', ['--client-secret-command', `echo ${clientSecret}`], {}],
    ['a variable', [], { env: { STS_CLI_CLIENT_SECRET: clientSecret, PATH: '/usr/bin:/bin' } }],
  ])('a login with its secret from %s cannot be renewed', async (_where, flags, options) => {
    const env = { PATH: process.env['PATH'], ...options.env }
    const argv = ['login', '-q', '-p', 'prod', ...atStage(), ...flags]
    expect(await stage.cli(argv, { ...options, env })).toMatchObject({ code: 0 })
    expect(await readEntry('prod')).not.toContain(clientSecret)
    serveOther()
    expectRefused(await run(['creds', '-p', 'prod'], { typed: 'x', isTty: true }))
    if (options.env !== undefined)
      expect((await run(['creds', '-p', 'prod'], { env })).code).toBe(0)
  })

  it.each<[string, string[], Record<string, string>, boolean]>([
    ['--token', ['--token', 'a.b.c'], {}, false],
    ['STS_CLI_TOKEN, now unset', [], { STS_CLI_TOKEN: 'a.b.c' }, false],
    ['--token-command', ['--token-command', 'echo a.b.c'], {}, false],
    ['--token-env', ['--token-env', 'MINE'], { MINE: 'a.b.c' }, true],
  ])('a login by %s renews only if its token is there', async (_what, flags, env, isRenewed) => {
    const where = ['-p', 'prod', '-sts-ep', stage.sts.url]
    const shell = { PATH: process.env['PATH'] }
    await stage.cli(['login', '-q', ...where, ...flags], { env: { ...shell, ...env } })
    expect(await readEntry('prod')).not.toContain('a.b.c')
    serveOther()
    const ran = await run(['creds', '-p', 'prod'], { env: isRenewed ? env : {} })
    if (isRenewed) expect(stage.sts.seen[1]?.form.get('Token')).toBe('a.b.c')
    else expectRefused(ran)
  })

  it('a cached login stores no parameter that is a secret', async () => {
    const file = await writeSecret()
    const flags = ['--client-secret-file', file, '--param', 'client_assertion=a.proof.of-it']
    await stage.cli(['login', '-q', '-p', 'prod', ...atStage(), ...flags])
    expect(await readEntry('prod')).not.toContain('a.proof.of-it')
    expectRefused(await run(['creds', '-p', 'prod']))
  })

  it('credentials from AssumeRole are not renewed with other keys', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'ROOT', AWS_SECRET_ACCESS_KEY: 'root-secret' }
    const argv = ['login', '-q', '-p', 'prod', '--action', 'assume-role', '-sts-ep', stage.sts.url]
    await stage.cli(argv, { env: keys })
    const evaluated = { ...keys, AWS_ACCESS_KEY_ID: 'TEMPORARY' }
    expectRefused(await run(['creds', '-p', 'prod'], { env: evaluated }))
    expect((await run(['creds', '-p', 'prod'], { env: keys })).code).toBe(0)
  })
})

describe('profile that changed after its login', () => {
  const write = (sts: string, client: string, more = ''): Promise<void> =>
    configure(`[profile.prod]
idp-endpoint = "${stage.idp.url}/token"
sts-endpoint = "${sts}"
client-id = "${client}"
client-secret = "${clientSecret}"
${more}`)

  it.each<[string, () => Promise<void>]>([
    ['endpoint', () => write(other.sts.url, clientId)],
    ['client', () => write(stage.sts.url, 'another')],
    ['role', () => write(stage.sts.url, clientId, 'role-arn = "arn:x"')],
    ['grant', () => write(stage.sts.url, clientId, 'grant = "browser"')],
  ])('a changed %s in the profile requires a new login, expired or not', async (_what, change) => {
    await write(stage.sts.url, clientId)
    await stage.cli(['login', '-q', '-p', 'prod'])
    await change()
    for (const now of [startMs, later]) {
      const ran = await run(['creds', '-p', 'prod'], { now } as IoOptions)
      expectRefused(ran)
      expect(ran.stderr).toContain('hint: sts-cli login -p prod\n')
    }
  })

  it('a changed scope in the profile is used at the next renewal', async () => {
    await write(stage.sts.url, clientId, 'scope = "old"\n')
    await stage.cli(['login', '-q', '-p', 'prod'])
    await write(`${stage.sts.url}/`, clientId, 'scope = "new"\n')
    expect((await run(['creds', '-p', 'prod'])).code).toBe(0)
    expect(stage.idp.seen.map(({ form }) => form.get('scope'))).toEqual(['old', 'new'])
  })

  it('a profile does not widen a scope that a flag of the login narrowed', async () => {
    await write(stage.sts.url, clientId, 'scope = "wide"\n')
    await stage.cli(['login', '-q', '-p', 'prod', '--scope', 'narrow'])
    await run(['creds', '-p', 'prod'])
    expect(stage.idp.seen.map(({ form }) => form.get('scope'))).toEqual(['narrow', 'narrow'])
  })

  it('write --as-process writes the profile’s new endpoint', async () => {
    await write(stage.sts.url, clientId)
    await stage.cli(['login', '-q', '-p', 'prod'])
    await write(other.sts.url, clientId)
    const { stdout } = await stage.cli(['write', '--as-process', '--dry-run', '-p', 'prod'])
    expect(stdout).toContain(`+endpoint_url = ${other.sts.url}\n`)
  })

  it('flags for one command do not change the profile’s cached credentials', async () => {
    await write(stage.sts.url, clientId)
    const flags = ['-sts-ep', other.sts.url, '-idp-ep', `${other.idp.url}/token`, '-cid', 'x']
    const ran = await stage.cli(['creds', '-p', 'prod', ...flags, '-csec', 'y'])
    expect(ran.stdout).toContain(theirs.accessKeyId)
    expect((await stage.cli(['creds', '-p', 'prod'])).stdout).toContain(granted.accessKeyId)
  })
})

describe('flags and variables for another endpoint or client', () => {
  it.each<[string, string[], Record<string, string>]>([
    ['an endpoint by a flag', ['-sts-ep', 'OTHER'], {}],
    ['an endpoint by its variable', [], { STS_CLI_STS_ENDPOINT: 'OTHER' }],
    ['a provider', ['-idp-ep', 'OTHER'], {}],
    ['an issuer by its variable', [], { STS_CLI_ISSUER: 'OTHER' }],
    ['a client', ['-cid', 'another', '-csec', 'x'], {}],
    ['a client by its variables', [], { STS_CLI_CLIENT_ID: 'another', STS_CLI_CLIENT_SECRET: 'x' }],
    ['another token', ['--token', 'a.b.c'], {}],
    ['another grant', ['--grant', 'browser'], {}],
  ])('creds prints no cached credentials for %s: exit 77', async (_what, flags, variables) => {
    const file = await writeSecret()
    await stage.cli(['login', '-q', '-p', 'prod', ...atStage(), '--client-secret-file', file])
    serveOther()
    const fill = (text: string): string => text.replace('OTHER', other.sts.url)
    const env = Object.fromEntries(
      Object.entries(variables).map(([name, text]) => [name, fill(text)]),
    )
    expectRefused(
      await stage.cli(['creds', '-p', 'prod', ...flags.map(fill)], { env, now: startMs }),
    )
    expect(stage.idp.seen).toHaveLength(1)
  })

  it('complete flags get credentials from another server and leave the cache unchanged', async () => {
    await stage.ask(['login', '-q', '-p', 'prod'])
    const flags = ['-sts-ep', other.sts.url, '-idp-ep', `${other.idp.url}/token`, '-cid', 'x']
    const ran = await stage.cli(['creds', '-p', 'prod', ...flags, '-csec', 'y'])
    expect(ran.stdout).toContain(theirs.accessKeyId)
    expect((await stage.cli(['creds', '-p', 'prod'])).stdout).toContain(granted.accessKeyId)
  })

  it('flags that repeat the login’s endpoints and client print the cached credentials', async () => {
    await stage.ask(['login', '-q', '-p', 'prod'])
    expect((await stage.cli(['creds', '-p', 'prod', ...atStage()])).code).toBe(0)
    expect(stage.idp.seen).toHaveLength(1)
  })
})

describe('credentials of a local server', () => {
  it('credentials of a local server are renewed only by that server, even if a newer one runs', async () => {
    const stop = serveOther()
    await stage.cli(['login', '-q', '-p', 'local'])
    expect(other.sts.seen).toHaveLength(1)
    const directory =
      findUserDirectory('state', { env: { HOME: stage.home }, platform: 'linux' }) ?? ''
    const state = { stsEndpoint: stage.sts.url, tokenEndpoint: `${stage.idp.url}/token`, ...demo }
    writeServeState(directory, { pid: process.pid, certificates: 'PEM', state })
    const ran = await run(['creds', '-p', 'local'])
    expect(ran.stdout).toContain(theirs.accessKeyId)
    expect(other.sts.seen).toHaveLength(2)
    stop()
    const over = await run(['creds', '-p', 'local', '--refresh'])
    expect(over).toMatchObject({ code: 77, stdout: '' })
    expect(over.stderr).toContain('the sts-cli serve that issued them does not run any more')
    expect(stage.sts.seen).toEqual([])
  })
})

describe('cache entry of an earlier version', () => {
  it('a cache entry without an origin counts as no credentials', async () => {
    await stage.ask(['login', '-q', '-p', 'prod'])
    const file = path.join(stage.home, '.cache', 'sts-cli', 'profile-prod.json')
    const { origin: _origin, ...entry } = JSON.parse(await readEntry('prod')) as { origin: object }
    await writeFile(file, JSON.stringify({ ...entry, version: 1 }))
    serveOther()
    const ran = await run(['creds', '-p', 'prod'])
    expectRefused(ran)
    expect(ran.stderr).toContain('hint: sts-cli login -p prod\n')
  })
})

describe('login of a profile that exists only in the cache', () => {
  it('login repeats the profile’s last login and prompts only for the secret', async () => {
    await stage.ask(['login', '-q', '-p', 'prod', '--scope', 's'])
    serveOther()
    const { code, io } = await run(['login', '-q', '-p', 'prod'], { typed: clientSecret })
    expect({ code, prompts: io.prompts }).toEqual({ code: 0, prompts: ['client secret: '] })
    expect(stage.idp.seen[1]?.body).toBe(stage.idp.seen[0]?.body)
    expect(other.sts.seen).toEqual([])
  })

  it('login uses the STS of a flag instead of the cached one', async () => {
    await stage.ask(['login', '-q', '-p', 'prod'])
    serveOther()
    await stage.cli(['login', '-q', '-p', 'prod', '-sts-ep', other.sts.url])
    expect(other.sts.seen).toHaveLength(1)
    expect(stage.sts.seen).toHaveLength(1)
  })

  it('token and doctor use the servers of the profile’s last login', async () => {
    await stage.ask(['login', '-q', '-p', 'prod'])
    serveOther()
    await stage.cli(['token', '-p', 'prod'], { typed: clientSecret })
    await stage.cli(['doctor', '-p', 'prod'], { typed: clientSecret })
    expect([...other.idp.seen, ...other.sts.seen]).toEqual([])
  })
})

describe('cache', () => {
  it('the cache stores the origin of each login’s settings and no secret', async () => {
    await stage.ask(['login', '-q', '-p', 'prod'])
    const { origin } = JSON.parse(await readEntry('prod')) as { origin: Record<string, unknown> }
    expect(origin).toMatchObject({
      'sts-endpoint': { from: 'flag', value: stage.sts.url },
      'idp-endpoint': { from: 'flag', value: `${stage.idp.url}/token` },
      'client-id': { from: 'flag', value: clientId },
      'client-secret': { from: 'flag' },
      grant: { from: 'default', value: 'client-credentials' },
      action: { from: 'default', value: 'client-grants' },
    })
    for (const name of await readdir(path.join(stage.home, '.cache', 'sts-cli')))
      expect(
        await readFile(path.join(stage.home, '.cache', 'sts-cli', name), 'utf8'),
      ).not.toContain(clientSecret)
  })
})
