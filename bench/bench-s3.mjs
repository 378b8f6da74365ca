import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { presignUrl, signRequest } from '../dist/lib/protocol/sigv4/sign.js'
import { benchEnvironment, exchange, median, readCpuSeconds, runLoad } from './measure.mjs'
import { readLine, startStack } from './stack.mjs'

const kibi = 1024
const mebi = 1024 * 1024
/** Enough that two connections seldom write the same one. */
const keysWritten = 64
const scope = { region: 'us-east-1', service: 's3' }

/**
 * Each case runs in turn against node:http over a folder, one process of `serve`, and two. Rates are ratios to another server of the
 * same round; milliseconds are the server's own processor time, of all its processes.
 */
const cases = [
  { method: 'GET', bytes: kibi, aim: { bare: '≥ 1.0', cpu: '≤ 0.30', workers: '≥ 1.7' } },
  { method: 'PUT', bytes: kibi, aim: { bare: '≥ 0.6', cpu: '≤ 0.5', workers: '≥ 1.5' } },
  { method: 'GET', bytes: 64 * kibi, aim: { bare: '≥ 1.0', cpu: '≤ 0.30', workers: '≥ 1.7' } },
  { method: 'PUT', bytes: 64 * kibi, aim: { bare: '≥ 0.45', cpu: '≤ 1.0', workers: '≥ 1.5' } },
  { method: 'GET', bytes: 64 * mebi, aim: { bare: '≥ 1.2', cpu: '≤ 45', workers: '≥ 1.0' } },
  { method: 'PUT', bytes: 64 * mebi, aim: { bare: '≥ 1.0', cpu: '≤ 300', workers: '≥ 1.0' } },
  {
    method: 'GET',
    bytes: kibi,
    isHeaderSigned: true,
    aim: { bare: '≥ 1.0', cpu: '≤ 0.30', workers: '≥ 1.7' },
  },
]

/** Objects of our own store beside the same bytes by bare node:http, and pages of a long list. */
export async function benchS3({ isSmoke }) {
  const servers = await startServers(isSmoke)
  try {
    const rows = []
    for (const item of cases) rows.push(...(await compareServers(servers, item, isSmoke)))
    return [...rows, ...(await benchLists({ isSmoke }))]
  } finally {
    for (const server of servers) await server.stop()
  }
}

async function startServers(isSmoke) {
  const large = (bytes) => (isSmoke && bytes > mebi ? mebi : bytes)
  const sizes = [...new Set(cases.map(({ bytes }) => bytes))]
  const bare = await startBare()
  const one = await startOurs([])
  const two = await startOurs(['--workers', '2'])
  for (const size of sizes) {
    const body = Buffer.alloc(large(size), 'abcdefgh')
    writeFileSync(path.join(bare.directory, `get-${size}`), body)
    for (const { url } of [one.sign('PUT', `get-${size}`), two.sign('PUT', `get-${size}`)])
      await exchange('PUT', url, body)
  }
  return [bare, one, two]
}

async function startBare() {
  const directory = mkdtempSync(path.join(tmpdir(), 'sts-cli-bench-bare-'))
  const child = spawn(
    process.execPath,
    [path.join(import.meta.dirname, 'bare-s3.mjs'), directory],
    { env: benchEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const end = `http://127.0.0.1:${Number(await readLine(child))}`
  return {
    name: 'bare',
    directory,
    pid: child.pid,
    sign: (_method, key) => ({ url: new URL(`/${key}`, end), headers: {} }),
    async stop() {
      child.kill()
      await new Promise((resolve) => child.once('exit', resolve))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function startOurs(flags) {
  const stack = await startStack(['--no-idp', '--bucket', 'bench', ...flags])
  const { sts, accessKey, secretKey, pid } = stack.ready
  const keys = { accessKeyId: accessKey, secretAccessKey: secretKey }
  return {
    name: flags.length === 0 ? 'one' : 'two',
    pid,
    stop: stack.stop,
    sign(method, key, isHeaderSigned = false) {
      const url = new URL(`/bench/${key}`, sts)
      const options = { ...scope, nowMs: Date.now() }
      if (!isHeaderSigned)
        return {
          url: presignUrl({ method, url }, keys, { ...options, expiresSeconds: 3600 }),
          headers: {},
        }
      const unsigned = { method, url, headers: {}, payloadHash: 'UNSIGNED-PAYLOAD' }
      return { url, headers: signRequest(unsigned, keys, options) }
    },
  }
}

async function compareServers(servers, item, isSmoke) {
  const rounds = []
  const count = isSmoke ? 1 : 5
  // The first round warms all up.
  for (let round = isSmoke ? 0 : -1; round < count; round += 1) {
    const figures = {}
    const order = round % 2 === 0 ? servers : servers.toReversed()
    for (const server of order) figures[server.name] = await measure(server, item, isSmoke)
    if (round >= 0) rounds.push(figures)
  }
  return toRows(item, rounds)
}

async function measure(server, { method, bytes, isHeaderSigned }, isSmoke) {
  const isLarge = bytes >= mebi
  const bodyBytes = method === 'PUT' ? (isSmoke && isLarge ? mebi : bytes) : 0
  const keys =
    method === 'GET'
      ? [`get-${bytes}`]
      : Array.from({ length: keysWritten }, (_, at) => `put-${bytes}-${at}`)
  const questions = keys.map((key) => {
    const { url, headers } = server.sign(method, key, isHeaderSigned)
    const lines = Object.entries({ ...headers, host: url.host }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const length = bodyBytes === 0 ? '' : `content-length: ${bodyBytes}\r\n`
    const body = bodyBytes === 0 || isLarge ? '' : 'x'.repeat(bodyBytes)
    return `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}${length}\r\n${body}`
  })
  const beforeSeconds = readCpuSeconds(server.pid)
  const result = await runLoad(Number(server.sign('GET', '').url.port), questions, {
    seconds: isSmoke ? 0.3 : isLarge ? 3 : 2,
    connections: isLarge ? 2 : 16,
    bodyBytes: isLarge ? bodyBytes : 0,
  })
  const cpuSeconds = readCpuSeconds(server.pid) - beforeSeconds
  return {
    perSecond: result.requests / result.seconds,
    cpuMs: (cpuSeconds * 1000) / result.requests,
  }
}

function toRows({ method, bytes, isHeaderSigned = false, aim }, rounds) {
  const size = bytes >= mebi ? `${bytes / mebi} MiB` : `${bytes / kibi} KiB`
  const how = isHeaderSigned ? ', signed by header' : ''
  const what = `${method} of ${size}${how}, ${bytes >= mebi ? 2 : 16} connections`
  const ratio = (name, other) =>
    median(rounds.map((round) => round[name].perSecond / round[other].perSecond))
  const rows = [
    { what, ratio: ratio('one', 'bare'), floor: 'bare node:http', aim: aim.bare },
    {
      what: `${what}, two workers`,
      ratio: ratio('two', 'one'),
      floor: 'one process',
      aim: aim.workers,
    },
  ]
  if (process.platform !== 'linux') return rows
  const cpu = (name) => rounds.map((round) => round[name].cpuMs)
  const row = (name, said, wanted) => ({
    what: `${what}${said}`,
    value: median(cpu(name)),
    worst: Math.max(...cpu(name)),
    unit: 'ms of CPU',
    aim: wanted,
  })
  return [
    ...rows,
    row('bare', ', bare node:http', 'for comparison'),
    row('one', '', aim.cpu),
    row('two', ', two workers', 'for comparison'),
  ]
}

/** Pages of a bucket that was filled by hand: what the server did not store itself is listed as well. */
async function benchLists({ isSmoke }) {
  if (process.platform !== 'linux') return []
  const total = isSmoke ? 2000 : 100_000
  const directory = mkdtempSync(path.join(tmpdir(), 'sts-cli-bench-list-'))
  const server = await startOurs(['--bucket', 'bench', directory])
  try {
    for (let at = 0; at < total; at += 1)
      writeFileSync(path.join(directory, 'bench', `key-${String(at).padStart(6, '0')}`), 'x')
    const page = (limit, times) => async (round) => {
      const beforeSeconds = readCpuSeconds(server.pid)
      for (let at = 0; at < times; at += 1) {
        const after = String(Math.floor((total * (at + (round + 1) / 20)) / times)).padStart(6, '0')
        const query = `?list-type=2&max-keys=${limit}&start-after=key-${after}`
        const { url, headers } = server.sign('GET', query, true)
        await exchange('GET', url, undefined, headers)
      }
      return ((readCpuSeconds(server.pid) - beforeSeconds) * 1000) / times
    }
    const name = `of ${total.toLocaleString('en')} keys in one folder`
    const first = await page(1000, 1)(0)
    return [
      {
        what: `the first list ${name}`,
        value: first,
        worst: first,
        unit: 'ms of CPU',
        aim: 'less is better',
      },
      await measurePages(`a page of 1,000 ${name}`, page(1000, 20), isSmoke, '≤ 50'),
      await measurePages(`a page of one key ${name}`, page(1, 100), isSmoke, '≤ 2'),
    ]
  } finally {
    await server.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measurePages(what, ask, isSmoke, aim) {
  const costs = []
  for (let round = isSmoke ? 0 : -1; round < (isSmoke ? 1 : 5); round += 1) {
    const costMs = await ask(round)
    if (round >= 0) costs.push(costMs)
  }
  return { what, value: median(costs), worst: Math.max(...costs), unit: 'ms of CPU', aim }
}
