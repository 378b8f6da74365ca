import { spawnSync } from 'node:child_process'
import { chmod, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  findStateDirectory,
  writeServeState,
  readServeStates,
  type ServeState,
} from '../../src/client/serve-state.ts'
import {
  openStage,
  startFake,
  startMs,
  stsAnswer,
  tokenAnswer,
  type Stage,
} from '../support/commands/harness.ts'
import { startOpenId } from '../support/commands/fake-openid.ts'

const served = { clientId: 'demo', clientSecret: 'of-the-running-server' }

/** When credentials that were issued at the start are over. */
const later = startMs + 3_600_000
const shorten = (name: string): string => name.replace(/-[0-9a-f]{8}/, '-X')

let stage: Stage
let directory: string

beforeEach(async () => {
  stage = await openStage()
  directory = findStateDirectory({ HOME: stage.home }, 'linux') ?? ''
})

/** Changes what was left. */
async function edit(change: (text: string) => string, mode = 0o600): Promise<void> {
  leave()
  const name = (await readdir(directory)).find((each) => each.endsWith('.json')) ?? ''
  const file = path.join(directory, name)
  await writeFile(file, change(await readFile(file, 'utf8')))
  await chmod(file, mode)
}

function leave(over: Partial<ServeState> = {}, pid = process.pid): () => void {
  const state = { ...makeState(), ...over }
  return writeServeState(directory, { pid, certificates: 'PEM', state }).remove
}

function makeState(): Omit<ServeState, 'caFile'> {
  return { stsEndpoint: stage.sts.url, tokenEndpoint: `${stage.idp.url}/token`, ...served }
}

/** All that a server was told, as one text; secrets in Basic are decoded. */
function readHeard({ seen }: Stage['idp']): string {
  return seen
    .map(({ body, headers }) => {
      const basic = headers.authorization?.replace('Basic ', '') ?? ''
      return `${body} ${Buffer.from(basic, 'base64').toString()}`
    })
    .join('\n')
}

describe('what a running server left', () => {
  it('lets a plain login work with no flags', async () => {
    leave()
    expect(await stage.cli(['login', '-q'])).toMatchObject({ code: 0, stderr: '' })
    expect(readHeard(stage.idp)).toContain(`${served.clientId}:${served.clientSecret}`)
  })

  it('lets creds renew by itself what login got there', async () => {
    leave()
    await stage.cli(['login', '-q'])
    expect(await stage.cli(['creds'], { now: later })).toMatchObject({ code: 0, stderr: '' })
    expect(stage.idp.seen).toHaveLength(2)
  })

  it('gives creds nothing before a login, and nothing that somebody else issued', async () => {
    leave()
    expect((await stage.cli(['creds'])).code).toBe(77)
    expect(stage.idp.seen).toEqual([])
  })

  it('is for its owner alone', async () => {
    leave()
    const names = await readdir(directory)
    expect(names.toSorted().map(shorten)).toEqual([
      `serve-${process.pid}-X.json`,
      `serve-${process.pid}-X.pem`,
    ])
    for (const name of names)
      expect((await stat(path.join(directory, name))).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
  })

  it('goes with the server, and only what is its own', async () => {
    const remove = leave()
    remove()
    expect(await readdir(directory)).toEqual([])
    const removeOlder = leave()
    writeServeState(directory, { pid: 1, certificates: '', state: makeState() })
    removeOlder()
    expect((await readdir(directory)).toSorted().map(shorten)).toEqual([
      'serve-1-X.json',
      'serve-1-X.pem',
    ])
  })

  it('is cleaned up after by the next one', async () => {
    const dead = spawnSync('true').pid
    leave({}, dead)
    leave()
    expect((await readdir(directory)).filter((name) => name.includes(`${dead}`))).toEqual([])
  })
})

describe('two servers in one home', () => {
  const dates = { older: new Date(1_000_000), newer: new Date(2_000_000) }

  /** Leaves the state of a server and gives its files a time. */
  async function leaveAt(when: Date, over: Partial<ServeState>): Promise<() => void> {
    const before = new Set(await readdir(directory).catch(() => []))
    const remove = leave(over)
    for (const name of await readdir(directory))
      if (!before.has(name)) await utimes(path.join(directory, name), when, when)
    return remove
  }

  it('are both found, the newer first', async () => {
    await leaveAt(dates.newer, { clientId: 'newer' })
    await leaveAt(dates.older, { clientId: 'older' })
    expect(readServeStates(directory).map((state) => state.clientId)).toEqual(['newer', 'older'])
  })

  it.each(['older', 'newer'])(
    'do not hide each other: without the %s one, login uses the other',
    async (ended) => {
      const stops = {
        older: await leaveAt(dates.older, { clientId: 'older' }),
        newer: await leaveAt(dates.newer, { clientId: 'newer' }),
      }
      stops[ended === 'older' ? 'older' : 'newer']()
      expect((await stage.cli(['login', '-q'])).code).toBe(0)
      expect(readHeard(stage.idp)).toContain(ended === 'older' ? 'newer:' : 'older:')
      expect(await readdir(directory)).toHaveLength(2)
    },
  )

  it('are told apart by the endpoint that is named, newer or not', async () => {
    const [sts, idp] = [await startFake(stsAnswer()), await startFake(tokenAnswer())]
    await leaveAt(dates.older, {})
    const elsewhere = { stsEndpoint: sts.url, tokenEndpoint: `${idp.url}/token` }
    await leaveAt(dates.newer, { ...elsewhere, clientSecret: 'of-the-newer' })
    for (const argv of [
      ['-sts-ep', stage.sts.url],
      ['-sts-ep', stage.sts.url.replace('127.0.0.1', 'localhost')],
      ['-idp-ep', `${stage.idp.url}/token`],
    ])
      expect((await stage.cli(['login', '-q', '--retries=0', ...argv])).code).toBe(0)
    const env = { AWS_ENDPOINT_URL_STS: stage.sts.url }
    expect((await stage.cli(['login', '-q'], { env })).code).toBe(0)
    expect(readHeard(stage.idp)).not.toContain('of-the-newer')
    expect([...sts.seen, ...idp.seen]).toEqual([])
  })

  it.each<[string, string[], Record<string, string>]>([
    ['a flag', ['-sts-ep', 'URL'], {}],
    ['our variable', [], { STS_CLI_STS_ENDPOINT: 'URL' }],
    ['AWS’s variable', [], { AWS_ENDPOINT_URL_STS: 'URL' }],
  ])(
    'give no client to a server of this machine that is neither, named by %s',
    async (_how, flags, variables) => {
      const neither = await startFake(stsAnswer())
      await leaveAt(dates.older, {})
      await leaveAt(dates.newer, {})
      const fill = (text: string): string => text.replace('URL', neither.url)
      const env = Object.fromEntries(
        Object.entries(variables).map(([name, text]) => [name, fill(text)]),
      )
      const ran = await stage.cli(['login', '-q', ...flags.map(fill)], { env })
      expect(ran.code).toBe(64)
      expect([...neither.seen, ...stage.idp.seen]).toEqual([])
    },
  )
})

describe('a state file', () => {
  it('of a process whose id another one has now is removed', async () => {
    await edit((text) => text.replace(/"startedAt":"[^"]*"/, '"startedAt":"another boot 1"'))
    expect(readServeStates(directory)).toEqual([])
    expect(await readdir(directory)).toEqual([])
  })

  it('of another machine that shares the home is neither used nor removed', async () => {
    await edit((text) =>
      text.replace(/"host":"[^"]*"/, '"host":"another"').replace(/"pid":\d+/, '"pid":1'),
    )
    expect(readServeStates(directory)).toEqual([])
    expect(await readdir(directory)).toHaveLength(2)
  })

  it('that an earlier version left for a process that is gone is removed', async () => {
    const dead = spawnSync('true').pid
    leave()
    const old = path.join(directory, 'serve.json')
    await writeFile(old, JSON.stringify({ version: 1, pid: dead }), { mode: 0o600 })
    await writeFile(path.join(directory, `serve-${dead}.pem`), 'PEM', { mode: 0o600 })
    readServeStates(directory)
    expect(await readdir(directory)).toHaveLength(2)
  })
})

describe('it is ignored', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['when nothing was left', async () => {}],
    ['when its process is gone', async () => leave({}, spawnSync('true').pid)],
    ['when its STS is on another machine', async () => leave({ stsEndpoint: 'http://h:9000' })],
    ['when its provider is', async () => leave({ tokenEndpoint: 'https://127.0.0.1.h/token' })],
    ['when others can read it', () => edit((text) => text, 0o640)],
    ['when it is damaged', () => edit((text) => text.slice(5))],
    ['when its version is newer', () => edit((text) => text.replace('"version":2', '"version":3'))],
    ['when a member is missing', () => edit((text) => text.replace('clientId', 'other'))],
    ['when its pid is no number', () => edit((text) => text.replace(/"pid":\d+/, '"pid":"1"'))],
    ['when its pid is a group', () => edit((text) => text.replace(/"pid":\d+/, '"pid":-1'))],
  ])('%s', async (_when, prepare) => {
    await prepare()
    expect(readServeStates(directory)).toEqual([])
    const { code, stderr } = await stage.cli(['login'])
    expect(code).toBe(64)
    expect(stderr).toContain('no client id is given')
  })
})

describe('its secret', () => {
  it.each<[string, (url: string) => readonly string[], Record<string, string>]>([
    ['another provider on this machine', (url) => ['-idp-ep', `${url}/token`], {}],
    ['the same by its variable', () => [], { STS_CLI_IDP_ENDPOINT: 'URL/token' }],
    ['an issuer', (url) => ['--issuer', url], {}],
    ['an issuer by its variable', () => [], { STS_CLI_ISSUER: 'URL' }],
    [
      'an issuer, the served endpoint in a variable',
      (url) => ['--issuer', url],
      { STS_CLI_IDP_ENDPOINT: 'SERVED' },
    ],
    ['an STS that is elsewhere', () => ['-sts-ep', 'http://192.0.2.1:9000'], {}],
    ['a provider that is elsewhere', () => ['-idp-ep', 'http://192.0.2.1/token'], {}],
    ['another client', () => ['-cid', 'mine'], {}],
  ])('does not go out for %s', async (_whose, flags, variables) => {
    leave()
    const other = await startFake(tokenAnswer())
    const fill = (text: string): string =>
      text.replace('URL', other.url).replace('SERVED', `${stage.idp.url}/token`)
    const env = Object.fromEntries(
      Object.entries(variables).map(([name, text]) => [name, fill(text)]),
    )
    const { code, stderr } = await stage.cli(['login', ...flags(other.url)], { env })
    expect(code).toBe(64)
    expect(stderr).toMatch(/no client (id|secret) is given/)
    expect([...other.seen, ...stage.idp.seen]).toEqual([])
  })

  it('gives way to a client of the user’s own, at the served endpoints', async () => {
    leave()
    expect((await stage.cli(['login', '-q', '-cid', 'mine', '-csec', 'own'])).code).toBe(0)
    expect(readHeard(stage.idp)).toContain('mine:own')
    expect(readHeard(stage.idp)).not.toContain(served.clientSecret)
  })

  it('goes to its own provider for the same client, named or not', async () => {
    leave()
    const argv = ['login', '-q', '-cid', 'demo', '-idp-ep', `${stage.idp.url}/token`]
    expect((await stage.cli(argv)).code).toBe(0)
    expect(readHeard(stage.idp)).toContain(served.clientSecret)
  })

  it('stays where it is when a person signs in: that client has none', async () => {
    const idp = await startOpenId()
    leave({ tokenEndpoint: idp.url, publicClientId: 'sts-cli' })
    const browser = (address: string): void => void fetch(address)
    expect((await stage.cli(['login', '-q', '--grant', 'browser'], { browser })).code).toBe(0)
    expect(idp.asked.get('client_id')).toBe('sts-cli')
    expect(readHeard(idp)).not.toContain(served.clientSecret)
  })

  it('is not taken for a person where the server has none', async () => {
    leave()
    const { code, stderr } = await stage.cli(['login', '--grant', 'browser'])
    expect(code).toBe(64)
    expect(stderr).toContain('no client id is given')
  })

  it('is beside the point for a token at hand', async () => {
    leave()
    expect((await stage.cli(['login', '-q', '--token', 'a.b.c'])).code).toBe(0)
    expect(stage.idp.seen).toEqual([])
    expect(stage.sts.seen[0]?.form.get('Token')).toBe('a.b.c')
  })
})

describe('the state folder', () => {
  it.each<[Record<string, string>, NodeJS.Platform, string | undefined]>([
    [{ HOME: '/h' }, 'linux', '/h/.local/state/sts-cli'],
    [{ HOME: '/h', XDG_STATE_HOME: '/x' }, 'linux', '/x/sts-cli'],
    [{ HOME: '/h', XDG_STATE_HOME: 'x' }, 'linux', '/h/.local/state/sts-cli'],
    [{ LOCALAPPDATA: 'C:\\L' }, 'win32', 'C:\\L\\sts-cli'],
    [{}, 'linux', undefined],
  ])('of %j on %s is %s', (env, platform, expected) => {
    expect(findStateDirectory(env, platform)).toBe(expected)
  })
})
