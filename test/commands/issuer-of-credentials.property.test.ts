/** No command prints credentials that another endpoint or client issued, for any sequence of servers, profiles, flags, variables and configurations. */
import { findUserDirectory } from '../../src/client/find-user-directory.ts'
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { writeServeState } from '../../src/client/serve-state.ts'
import { runCachedFastPath } from '../../src/commands/cached-fast-path.ts'
import { run } from '../../src/main.ts'
import {
  createIo,
  type Fake,
  granted,
  json,
  makeFolder,
  type Seen,
  startFake,
  startMs,
  stsAnswer,
} from '../support/commands/harness.ts'

const servers = ['A', 'B'] as const
const clients = ['one', 'two'] as const
const profiles = ['default', 'prod', 'work'] as const
type Server = (typeof servers)[number]
type Client = (typeof clients)[number]
type Profile = (typeof profiles)[number]

/** The issuer and the client of a credential, spelled in its access key. */
interface Issued {
  readonly sts: Server
  readonly idp: Server
  readonly client: string
}

type Step =
  | { do: 'login'; profile: Profile; server: Server; client: Client; secret: 'flag' | 'file' }
  | {
      do: 'ask'
      command: 'creds' | 'env' | 'credential-process' | 'write'
      profile: Profile | 'typo'
      flags: Naming
      variables: Naming
    }
  | { do: 'configure'; profile: Profile; server: Server; client: Client; isComplete: boolean }
  | { do: 'unconfigure'; profile: Profile }
  | { do: 'serve' | 'stop'; server: Server }
  | { do: 'logout'; profile: Profile }
  | { do: 'wait' }

/** What flags or variables name; a client comes with its secret. */
interface Naming {
  readonly sts: Server | undefined
  readonly idp: Server | undefined
  readonly client: Client | undefined
}

const server = fc.constantFrom(...servers)
const client = fc.constantFrom(...clients)
const profile = fc.constantFrom(...profiles)
const nothing = fc.constant<Naming>({ sts: undefined, idp: undefined, client: undefined })
const naming = fc.oneof(
  { weight: 4, arbitrary: nothing },
  {
    weight: 1,
    arbitrary: fc.record<Naming>({
      sts: fc.option(server, { nil: undefined }),
      idp: fc.option(server, { nil: undefined }),
      client: fc.option(client, { nil: undefined }),
    }),
  },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('login' as const),
      profile,
      server,
      client,
      secret: fc.constantFrom('flag' as const, 'file' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      command: fc.constantFrom(
        'creds' as const,
        'env' as const,
        'credential-process' as const,
        'write' as const,
      ),
      profile: fc.constantFrom(...profiles, 'typo' as const),
      flags: naming,
      variables: naming,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('configure' as const),
      profile,
      server,
      client,
      isComplete: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unconfigure' as const), profile }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('serve' as const, 'stop' as const), server }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('logout' as const), profile }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
)

interface World {
  /** Counts the successful answers: a command that always refuses would break no rule. */
  answered: number
  readonly idp: Readonly<Record<Server, Fake>>
  readonly sts: Readonly<Record<Server, Fake>>
  readonly clock: { now: number }
}

async function openWorld(): Promise<World> {
  const clock = { now: startMs }
  const openIdp = (name: Server): Promise<Fake> =>
    startFake(({ headers }) => {
      const basic = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64')
      const [id = '', secret = ''] = basic.toString().split(':')
      if (secret !== `secret-of-${id}`) return json({ error: 'invalid_client' }, 401)
      return json({ access_token: `${name}.${id}.x`, token_type: 'Bearer', expires_in: 3600 })
    })
  const openSts = (name: Server): Promise<Fake> =>
    startFake(({ form, method }: Seen) => {
      if (method !== 'POST' || !form.has('Token')) return { status: 403 }
      const [idp = '', id = ''] = (form.get('Token') ?? '').split('.')
      const accessKeyId = `${name}/${idp}/${id}/`
      const expirationText = new Date(clock.now + 3_600_000).toISOString()
      return stsAnswer(undefined, { ...granted, accessKeyId, expirationText })
    })
  const [idpA, idpB, stsA, stsB] = await Promise.all([
    openIdp('A'),
    openIdp('B'),
    openSts('A'),
    openSts('B'),
  ])
  return { idp: { A: idpA, B: idpB }, sts: { A: stsA, B: stsB }, clock, answered: 0 }
}

/** What each profile may print, by its logins and its configuration. */
interface Expected {
  readonly logins: Map<Profile, Issued>
  readonly configured: Map<Profile, { issued: Issued; isComplete: boolean }>
}

class Home {
  readonly #stops = new Map<Server, () => void>()
  readonly #expected: Expected = { logins: new Map(), configured: new Map() }
  readonly #folder: string
  readonly #world: World

  constructor(folder: string, world: World) {
    this.#folder = folder
    this.#world = world
  }

  async take(current: Step): Promise<void> {
    const { clock } = this.#world
    clock.now += 1
    switch (current.do) {
      case 'login':
        return this.#login(current)
      case 'ask':
        return this.#ask(current)
      case 'configure': {
        const { server: at, client: as, isComplete } = current
        const issued = { sts: at, idp: at, client: as }
        this.#expected.configured.set(current.profile, { issued, isComplete })
        return this.#writeConfig()
      }
      case 'unconfigure':
        this.#expected.configured.delete(current.profile)
        return this.#writeConfig()
      case 'serve':
        return this.#serve(current.server)
      case 'stop':
        return this.#stops.get(current.server)?.()
      case 'logout':
        await this.#run(['logout', '-p', current.profile])
        this.#expected.logins.delete(current.profile)
        return undefined
      case 'wait':
        clock.now += 3_600_000
        return undefined
    }
  }

  stop(): void {
    for (const stop of this.#stops.values()) stop()
  }

  async #login({ profile: name, server: at, client: as, secret }: Step & { do: 'login' }) {
    const file = path.join(this.#folder, `secret-${as}`)
    await writeFile(file, `secret-of-${as}`)
    const proof = secret === 'file' ? ['--client-secret-file', file] : ['-csec', `secret-of-${as}`]
    const flags = [
      '-sts-ep',
      this.#world.sts[at].url,
      '-idp-ep',
      `${this.#world.idp[at].url}/token`,
    ]
    const { code } = await this.#run(['login', '-q', '-p', name, ...flags, '-cid', as, ...proof])
    assert.equal(code, 0)
    this.#expected.logins.set(name, { sts: at, idp: at, client: as })
  }

  async #ask({ command, profile: name, flags, variables }: Step & { do: 'ask' }) {
    const { sts, idp } = this.#world
    const named = { ...variables, ...dropUndefined(flags) }
    const argv = [
      ...(flags.sts === undefined ? [] : ['-sts-ep', sts[flags.sts].url]),
      ...(flags.idp === undefined ? [] : ['-idp-ep', `${idp[flags.idp].url}/token`]),
      ...(flags.client === undefined
        ? []
        : ['-cid', flags.client, '-csec', `secret-of-${flags.client}`]),
    ]
    const env = {
      ...(variables.sts === undefined ? {} : { STS_CLI_STS_ENDPOINT: sts[variables.sts].url }),
      ...(variables.idp === undefined
        ? {}
        : { STS_CLI_IDP_ENDPOINT: `${idp[variables.idp].url}/token` }),
      ...(variables.client === undefined
        ? {}
        : {
            STS_CLI_CLIENT_ID: variables.client,
            STS_CLI_CLIENT_SECRET: `secret-of-${variables.client}`,
          }),
    }
    const ran = await this.#run([command, '-p', name, '--retries=0', ...argv], env)
    if (ran.code !== 0) {
      // Refused, unknown or unavailable: never a usage error, since the command line is correct.
      assert.ok([69, 77, 78].includes(ran.code), `exit ${ran.code}`)
      assert.doesNotMatch(ran.text, /[AB]\/[AB]\//)
      return
    }
    const [, at, by, as] = /([AB])\/([AB])\/(\w+)\//.exec(ran.text) ?? []
    const issued = { sts: at, idp: by, client: as } as Issued
    assert.notEqual(name, 'typo')
    this.#check(name as Profile, issued, dropUndefined(named))
  }

  /** Checks that the credentials are those that flags and variables name; without these, those of the configuration and the login, which must then agree. */
  #check(name: Profile, issued: Issued, named: Partial<Issued>): void {
    const login = this.#expected.logins.get(name)
    const configured = this.#expected.configured.get(name)?.issued
    this.#world.answered += 1
    assert.deepEqual(issued, { ...login, ...configured, ...named })
    const isPlain = Object.keys(named).length === 0
    if (isPlain && login !== undefined && configured !== undefined)
      assert.deepEqual(login, configured)
    // Without a cached login, the first command caches its credentials for later ones.
    if (login === undefined) this.#expected.logins.set(name, { ...issued, ...configured })
  }

  async #run(
    argv: string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number; text: string }> {
    const aws = path.join(this.#folder, 'aws')
    await rm(aws, { force: true })
    const io = createIo({ env: { HOME: this.#folder, AWS_SHARED_CREDENTIALS_FILE: aws, ...env } })
    io.now = this.#world.clock.now
    const code = (await runCachedFastPath(argv, io)) ?? (await run(argv, io))
    const file = await readFile(aws, 'utf8').catch(() => '')
    return { code, text: `${io.out.join('')}${file}` }
  }

  async #writeConfig(): Promise<void> {
    const { sts, idp } = this.#world
    const tables = [...this.#expected.configured].map(([name, { issued, isComplete }]) => {
      const at = issued.sts
      const lines = [
        `[profile.${name}]`,
        `sts-endpoint = "${sts[at].url}"`,
        `idp-endpoint = "${idp[at].url}/token"`,
        `client-id = "${issued.client}"`,
        ...(isComplete ? [`client-secret = "secret-of-${issued.client}"`] : []),
      ]
      return `${lines.join('\n')}\n`
    })
    const file = path.join(this.#folder, '.config', 'sts-cli', 'config.toml')
    await mkdir(path.dirname(file), { recursive: true })
    if (tables.length === 0) await rm(file, { force: true })
    else await writeFile(file, tables.join('\n'), { mode: 0o600 })
  }

  #serve(at: Server): void {
    const directory =
      findUserDirectory('state', { env: { HOME: this.#folder }, platform: 'linux' }) ?? ''
    const { sts, idp } = this.#world
    const state = {
      stsEndpoint: sts[at].url,
      tokenEndpoint: `${idp[at].url}/token`,
      clientId: 'demo',
      clientSecret: 'secret-of-demo',
    }
    this.#stops.get(at)?.()
    const { remove } = writeServeState(directory, { pid: process.pid, certificates: 'PEM', state })
    this.#stops.set(at, remove)
  }
}

function dropUndefined(value: Partial<Record<keyof Naming, string | undefined>>): Partial<Issued> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
}

it('commands print only credentials of the endpoint and client that the profile, flags or variables name', async () => {
  const world = await openWorld()
  const root = await makeFolder()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
      const home = new Home(await mkdtemp(path.join(root, 'home-')), world)
      try {
        for (const each of steps) await home.take(each)
      } finally {
        home.stop()
      }
    }),
    { numRuns: 150 },
  )
  expect(world.answered).toBeGreaterThan(20)
})
