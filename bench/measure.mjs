/**
 * Timing of whole processes, two or more commands in turn, so that the machine's mood falls on all of them alike.
 * Only ratios of medians are printed: absolute times say more about the machine than about us.
 */
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { request } from 'node:http'
import path from 'node:path'

/** The environment of a bench: the caller's, less what would make bare Node slow and our ratio look good. */
export function benchEnvironment(extra = {}) {
  const env = { ...process.env, ...extra }
  // Node 20 parses this bundle at every start, `node -e 0` too: 82 ms where a user has 30.
  delete env.NODE_EXTRA_CA_CERTS
  delete env.NODE_OPTIONS
  for (const name of Object.keys(env))
    if (/^(AWS_|STS_CLI_|MINIO_)/.test(name) && !(name in extra)) delete env[name]
  return env
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Runs a command to its end and gives its wall time in milliseconds; a failing command stops the bench. */
export function timeProcess(argv, env) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const child = spawn(argv[0], argv.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(performance.now() - startedAt)
      else
        reject(new Error(`${argv.slice(0, 4).join(' ')} exited ${code}: ${stderr.slice(0, 500)}`))
    })
  })
}

/**
 * Times several commands round by round in shuffled order.
 *
 * @param cases `{ name, argv, env }`; the first is the floor the others are compared with.
 * @returns `{ name, medianMs, ratio }` a case; `ratio` is the median of the rounds' own ratios to the floor.
 */
export async function compareProcesses(cases, rounds) {
  const times = new Map(cases.map((item) => [item.name, []]))
  for (let round = -1; round < rounds; round += 1) {
    for (const item of cases.toSorted(() => Math.random() - 0.5)) {
      const elapsedMs = await timeProcess(item.argv, item.env)
      if (round >= 0) times.get(item.name).push(elapsedMs)
    }
  }
  const floor = times.get(cases[0].name)
  return cases.map(({ name }) => {
    const own = times.get(name)
    return { name, medianMs: median(own), ratio: median(own.map((ms, i) => ms / floor[i])) }
  })
}

/**
 * Loads a server from a process of its own (load.mjs), and gives that one's account; a failed request stops the bench.
 *
 * @param questions whole requests, asked in turn; `bodyBytes` of body follow each.
 */
export async function runLoad(port, questions, { seconds, connections = 32, bodyBytes = 0 }) {
  const argv = [port, connections, seconds, bodyBytes].map(String)
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'load.mjs'), ...argv], {
    env: benchEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk) => (text += chunk))
  child.stdin.end(Buffer.from(questions.join('\0'), 'latin1'))
  await new Promise((resolve) => child.once('close', resolve))
  const result = JSON.parse(text)
  const { requests, failures } = result
  if (failures > 0 || requests === 0)
    throw new Error(`load on port ${port}: ${failures} of ${requests} failed`)
  return result
}

/** User and system time of a process and its children that run, to a hundredth of a second; 0 where the system does not say. */
export function readCpuSeconds(pid) {
  if (process.platform !== 'linux') return 0
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = readStat(name)
    if (fields !== undefined && (Number(name) === pid || Number(fields[1]) === pid))
      ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / 100
}

/** The fields of /proc/PID/stat after the name; undefined if the process has ended. */
function readStat(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  } catch {
    return undefined
  }
}

/** Sends one request and reads the answer to its end. @throws {Error} If its status is not 200. */
export function exchange(method, url, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': body.length }
    const sent = request(url, { method, headers: { ...headers, ...length } }, (response) => {
      response.resume()
      response.on('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`${method} ${url.pathname} answered ${response.statusCode}`))
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
