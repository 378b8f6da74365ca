/** The server under test: the built command on a directory of its own, killed and started again at the same addresses. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { benchEnvironment } from '../measure.mjs'
import { binPath, readLine } from '../stack.mjs'

const sampleEveryMs = 500

/** Starts the server. `flags` come on top of those that name its addresses and directory. */
export async function openServer(flags) {
  const home = mkdtempSync(path.join(tmpdir(), 'sts-cli-soak-'))
  for (const name of ['data', 'tmp']) mkdirSync(path.join(home, name))
  const root = {
    accessKeyId: 'soak-root',
    secretAccessKey: randomBytes(24).toString('base64url'),
  }
  const server = {
    root,
    home,
    child: undefined,
    ready: undefined,
    isUp: false,
    /** Grows with every end and every start. */
    epoch: 0,
    kills: 0,
    starts: 0,
    /** One list a process: megabytes of memory, oldest first. */
    lives: [],
    stderr: '',
    /** Whether the server was away at any time since `epoch` was this. */
    wasCutSince: (epoch) => !server.isUp || server.epoch !== epoch,
    start: () => start(server, flags),
    kill: () => kill(server),
    stop: () => stop(server),
    remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }),
  }
  await server.start()
  return server
}

async function start(server, flags) {
  const { home, root, ready } = server
  const at = (name) => path.join(home, name)
  const env = benchEnvironment({
    HOME: home,
    TMPDIR: at('tmp'),
    XDG_CACHE_HOME: at('cache'),
    XDG_STATE_HOME: at('state'),
    XDG_CONFIG_HOME: at('config'),
    MINIO_ROOT_USER: root.accessKeyId,
    MINIO_ROOT_PASSWORD: root.secretAccessKey,
  })
  const own = [at('data'), '--json', '--log-level', 'error']
  const addresses = [
    '--address',
    ready === undefined ? '127.0.0.1:0' : `127.0.0.1:${new URL(ready.sts).port}`,
    '--idp-address',
    ready === undefined ? '127.0.0.1:0' : `127.0.0.1:${new URL(ready.idp).port}`,
  ]
  const argv = [binPath, 'serve', ...own, ...addresses, ...flags]
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  server.child = child
  child.ended = new Promise((resolve) => child.once('exit', (...how) => resolve(how)))
  child.stderr.on('data', (chunk) => (server.stderr += chunk))
  const line = await readLine(child).catch((error) => {
    throw new Error(`${error.message}\n${server.stderr}`)
  })
  server.ready = JSON.parse(line)
  server.starts += 1
  server.epoch += 1
  server.isUp = true
  sampleMemory(server, child)
}

/** Ends the process without notice, and waits until the system has taken it away. */
async function kill(server) {
  server.isUp = false
  server.epoch += 1
  server.kills += 1
  server.child.kill('SIGKILL')
  await server.child.ended
}

/** Asks the process to end, and gives its exit code. */
async function stop(server) {
  server.isUp = false
  server.epoch += 1
  server.child.kill('SIGTERM')
  const late = setTimeout(() => server.child.kill('SIGKILL'), 20_000)
  const [code] = await server.child.ended
  clearTimeout(late)
  return code
}

function sampleMemory(server, child) {
  const samples = []
  server.lives.push(samples)
  const timer = setInterval(() => {
    const megabytes = readMemory(child.pid)
    if (megabytes !== undefined) samples.push(megabytes)
  }, sampleEveryMs)
  void child.ended.then(() => clearInterval(timer))
}

/** Resident memory in MiB, where the system tells it by /proc. */
function readMemory(pid) {
  const file = `/proc/${pid}/status`
  if (!existsSync(file)) return undefined
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    // it ended between the two calls
    return undefined
  }
}
