import { findUserDirectory } from '../../src/client/find-user-directory.ts'
import { spawnSync } from 'node:child_process'
import { chmod, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { writeServeState, readServeStates, type ServeState } from '../../src/client/serve-state.ts'
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

/** The time at which credentials issued at the start have expired. */
const later = startMs + 3_600_000
const shorten = (name: string): string => name.replace(/-[0-9a-f]{8}/, '-X')

let stage: Stage
let directory: string

beforeEach(async () => {
  stage = await openStage()
  directory = findUserDirectory('state', { env: { HOME: stage.home }, platform: 'linux' }) ?? ''
})

/** Changes the published state. */
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

/** Returns everything a server received as one text, with the secrets in Basic decoded. */
function readHeard({ seen }: Stage['idp']): string {
  return seen
    .map(({ body, headers }) => {
      const basic = headers.authorization?.replace('Basic ', '') ?? ''
      return `${body} ${Buffer.from(basic, 'base64').toString()}`
    })
    .join('\n')
}

describe('state of a running server', () => {
  it('login works without flags while a local server runs', async () => {
    leave()
    expect(await stage.cli(['login', '-q'])).toMatchObject({ code: 0, stderr: '' })
    expect(readHeard(stage.idp)).toContain(`${served.clientId}:${served.clientSecret}`)
  })

  it('creds renews a login to a running local server', async () => {
    leave()
    await stage.cli(['login', '-q'])
    expect(await stage.cli(['creds'], { now: later })).toMatchObject({ code: 0, stderr: '' })
    expect(stage.idp.seen).toHaveLength(2)
  })

  it('creds gets nothing from a running local server before a login', async () => {
    leave()
    expect((await stage.cli(['creds'])).code).toBe(77)
    expect(stage.idp.seen).toEqual([])
  })

  it('the state files of a server are readable only by their owner', async () => {
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

  it('a server removes its own state files when it stops, and no others', async () => {
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

  it('a server removes the state files of ended servers', async () => {
    const dead = spawnSync('true').pid
    leave({}, dead)
    leave()
    expect((await readdir(directory)).filter((name) => name.includes(`${dead}`))).toEqual([])
  })
})

describe('two servers in one home', () => {
  const dates = { older: new Date(1_000_000), newer: new Date(2_000_000) }

  /** Publishes the state of a server and gives its files a time. */
  async function leaveAt(when: Date, over: Partial<ServeState>): Promise<() => void> {
    const before = new Set(await readdir(directory).catch(() => []))
    const remove = leave(over)
    for (const name of await readdir(directory))
      if (!before.has(name)) await utimes(path.join(directory, name), when, when)
    return remove
  }

  it('the states of two servers are both found, the newer first', async () => {
    await leaveAt(dates.newer, { clientId: 'newer' })
    await leaveAt(dates.older, { clientId: 'older' })
    expect(readServeStates(directory).map((state) => state.clientId)).toEqual(['newer', 'older'])
  })

  it.each(['older', 'newer'])(
    'login uses the other server’s state after the %s server stopped',
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

  it('login selects the state of the server at the given endpoint, newer or not', async () => {
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
    ['STS_CLI_STS_ENDPOINT', [], { STS_CLI_STS_ENDPOINT: 'URL' }],
    ['AWS_ENDPOINT_URL_STS', [], { AWS_ENDPOINT_URL_STS: 'URL' }],
  ])(
    'login sends no demo client to another local server, selected by %s',
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

describe('state file', () => {
  it('a state file of a reused process id is removed', async () => {
    await edit((text) => text.replace(/"startedAt":"[^"]*"/, '"startedAt":"another boot 1"'))
    expect(readServeStates(directory)).toEqual([])
    expect(await readdir(directory)).toEqual([])
  })

  it('a state file of another machine with the same home is neither used nor removed', async () => {
    await edit((text) =>
      text.replace(/"host":"[^"]*"/, '"host":"another"').replace(/"pid":\d+/, '"pid":1'),
    )
    expect(readServeStates(directory)).toEqual([])
    expect(await readdir(directory)).toHaveLength(2)
  })

  it('a state file of an earlier version is removed if its process has ended', async () => {
    const dead = spawnSync('true').pid
    leave()
    const old = path.join(directory, 'serve.json')
    await writeFile(old, JSON.stringify({ version: 1, pid: dead }), { mode: 0o600 })
    await writeFile(path.join(directory, `serve-${dead}.pem`), 'PEM', { mode: 0o600 })
    readServeStates(directory)
    expect(await readdir(directory)).toHaveLength(2)
  })
})

describe('ignored state file', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['there is none', async () => {}],
    ['its process has ended', async () => leave({}, spawnSync('true').pid)],
    ['its STS is remote', async () => leave({ stsEndpoint: 'http://h:9000' })],
    ['its provider is remote', async () => leave({ tokenEndpoint: 'https://127.0.0.1.h/token' })],
    ['others can read it', () => edit((text) => text, 0o640)],
    ['it is damaged', () => edit((text) => text.slice(5))],
    ['its version is newer', () => edit((text) => text.replace('"version":2', '"version":3'))],
    ['a member is missing', () => edit((text) => text.replace('clientId', 'other'))],
    ['its pid is not a number', () => edit((text) => text.replace(/"pid":\d+/, '"pid":"1"'))],
    ['its pid is a process group', () => edit((text) => text.replace(/"pid":\d+/, '"pid":-1'))],
  ])('login ignores a state file if %s', async (_when, prepare) => {
    await prepare()
    expect(readServeStates(directory)).toEqual([])
    const { code, stderr } = await stage.cli(['login'])
    expect(code).toBe(64)
    expect(stderr).toContain('no client id is given')
  })
})

describe('demo client secret', () => {
  it.each<[string, (url: string) => readonly string[], Record<string, string>]>([
    ['another provider on this machine', (url) => ['-idp-ep', `${url}/token`], {}],
    ['another provider by its variable', () => [], { STS_CLI_IDP_ENDPOINT: 'URL/token' }],
    ['an issuer', (url) => ['--issuer', url], {}],
    ['an issuer by its variable', () => [], { STS_CLI_ISSUER: 'URL' }],
    [
      'an issuer, with the served endpoint in a variable',
      (url) => ['--issuer', url],
      { STS_CLI_IDP_ENDPOINT: 'SERVED' },
    ],
    ['an STS on another machine', () => ['-sts-ep', 'http://192.0.2.1:9000'], {}],
    ['a provider on another machine', () => ['-idp-ep', 'http://192.0.2.1/token'], {}],
    ['another client', () => ['-cid', 'mine'], {}],
  ])('login does not send the demo secret to %s', async (_whose, flags, variables) => {
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

  it('a client of the user replaces the demo client at the served endpoints', async () => {
    leave()
    expect((await stage.cli(['login', '-q', '-cid', 'mine', '-csec', 'own'])).code).toBe(0)
    expect(readHeard(stage.idp)).toContain('mine:own')
    expect(readHeard(stage.idp)).not.toContain(served.clientSecret)
  })

  it('the demo secret is sent to its own provider when the demo client is given', async () => {
    leave()
    const argv = ['login', '-q', '-cid', 'demo', '-idp-ep', `${stage.idp.url}/token`]
    expect((await stage.cli(argv)).code).toBe(0)
    expect(readHeard(stage.idp)).toContain(served.clientSecret)
  })

  it('a browser login uses the public client without the demo secret', async () => {
    const idp = await startOpenId()
    leave({ tokenEndpoint: idp.url, publicClientId: 'sts-cli' })
    const browser = (address: string): void => void fetch(address)
    expect((await stage.cli(['login', '-q', '--grant', 'browser'], { browser })).code).toBe(0)
    expect(idp.asked.get('client_id')).toBe('sts-cli')
    expect(readHeard(idp)).not.toContain(served.clientSecret)
  })

  it('a browser login does not use the demo client if the server has no public client', async () => {
    leave()
    const { code, stderr } = await stage.cli(['login', '--grant', 'browser'])
    expect(code).toBe(64)
    expect(stderr).toContain('no client id is given')
  })

  it('login with a given token does not use the demo client', async () => {
    leave()
    expect((await stage.cli(['login', '-q', '--token', 'a.b.c'])).code).toBe(0)
    expect(stage.idp.seen).toEqual([])
    expect(stage.sts.seen[0]?.form.get('Token')).toBe('a.b.c')
  })
})
