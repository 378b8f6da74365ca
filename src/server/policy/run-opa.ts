/**
 * Runs Open Policy Agent as a child process, for `--rego`. OPA listens on a Unix socket in a folder that only this user can enter: anybody
 * who reaches OPA can change its policies, and every user of this machine can reach a port on 127.0.0.1. OPA is restarted when it exits,
 * and it is stopped with the server.
 */
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StsCliError } from '../../base/errors.ts'
import {
  startProgram,
  type ProgramEnd,
  type RunningProgram,
} from '../../base/process/start-program.ts'
import type { Log } from '../../base/log.ts'
import { createJsonClient } from '../../base/http/json-client.ts'
import { readRego, toMessage, toRegoError } from './read-rego.ts'

export interface RunOpaOptions {
  /** Path of a Rego file, or of a folder with Rego and data files. */
  readonly rego: string
  /** The document to query: `httpapi/authz`, or `data.httpapi.authz.allow`. Undefined to find the package in the Rego. */
  readonly query: string | undefined
  /** The server's environment. OPA only gets `PATH` and `HOME` of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly nowMs: () => number
  /** The delay before the first restart (default 100 ms); it doubles with each restart. */
  readonly restartDelayMs?: number
  /** The time in which OPA must answer after the start (default 10 s). */
  readonly startLimitMs?: number
}

export interface RunningOpa {
  readonly socketPath: string
  /** The URL of the document to query. Its host is a placeholder: requests go to the socket. */
  readonly url: string
  /** Stops OPA and removes its folder. */
  stop(): Promise<void>
}

const origin = 'http://opa'
const maxRestarts = 5
const restartWindowMs = 10 * 60 * 1000

/**
 * Starts OPA and waits until it answers.
 *
 * @throws {StsCliError} `ERR_INPUT` when the Rego cannot be read, `ERR_CONFIG` with OPA's own message when there is no `opa` or it rejects
 *   the Rego, `ERR_TIMEOUT` when OPA does not answer in time. After an error OPA is not running.
 */
export async function runOpa(options: RunOpaOptions): Promise<RunningOpa> {
  await checkSources(options.rego)
  const env = selectEnvironment(options.env)
  const { queryPath, flags } = await readRego({ ...options, env })
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-opa-'))
  const socketPath = path.join(folder, 'opa.sock')
  const argv = ['opa', 'run', '--server', '--addr', `unix://${socketPath}`, ...flags]
  argv.push('--skip-version-check', '--log-level', 'error', path.resolve(options.rego))
  const start = async (): Promise<RunningProgram> => {
    await rm(socketPath, { force: true })
    return startProgram({ argv, env })
  }
  const first = await start()
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await waitUntilAnswering(first, socketPath, options)
  } catch (error) {
    await first.stop()
    await removeFolder()
    throw error
  }
  const stop = keepRunning({ ...options, first, start })
  return {
    socketPath,
    url: `${origin}/v1/data/${queryPath}`,
    async stop() {
      await stop()
      await removeFolder()
    },
  }
}

async function checkSources(rego: string): Promise<void> {
  if (process.platform === 'win32')
    throw new StsCliError('opa-unsupported', 'sts-cli speaks to opa by a Unix socket', {
      stage: 'serve',
    })
  try {
    await access(rego)
  } catch (cause) {
    throw new StsCliError('rego-unreadable', `the Rego ${rego} cannot be read`, {
      stage: 'serve',
      cause,
    })
  }
}

/** Keeps the root secret from OPA: Rego can read its environment (`opa.runtime()`), and the server's environment holds the secret. */
function selectEnvironment(env: RunOpaOptions['env']): Record<string, string | undefined> {
  return { PATH: env['PATH'], HOME: env['HOME'] }
}

async function waitUntilAnswering(
  program: RunningProgram,
  socketPath: string,
  { rego, startLimitMs = 10_000 }: RunOpaOptions,
): Promise<void> {
  const { fetchJson, close } = createJsonClient({
    timeoutMs: 1000,
    maxBytes: 64 * 1024,
    socketPath,
  })
  let end: ProgramEnd | undefined
  void program.ended.then((how) => (end = how))
  const limit = AbortSignal.timeout(startLimitMs)
  try {
    for (;;) {
      if (await fetchJson(`${origin}/health`).then(toTrue, toFalse)) return
      if (end !== undefined) throw toRegoError(rego, end)
      if (limit.aborted)
        throw new StsCliError('opa-timeout', `opa did not answer within ${startLimitMs} ms`, {
          stage: 'serve',
        })
      await delay(20)
    }
  } finally {
    await close()
  }
}

const toTrue = (): boolean => true
const toFalse = (): boolean => false

interface RestartOptions extends RunOpaOptions {
  readonly first: RunningProgram
  readonly start: () => Promise<RunningProgram>
}

/**
 * Restarts OPA when it exits, at most five times in ten minutes. Until OPA answers again, every request is denied.
 *
 * @returns A function that stops OPA and the restarts.
 */
function keepRunning({ first, start, log, nowMs, restartDelayMs = 100 }: RestartOptions) {
  const stopping = new AbortController()
  let program = first
  let restarts: number[] = []
  const watch = async (): Promise<void> => {
    for (;;) {
      const end = await program.ended
      if (stopping.signal.aborted) return
      restarts = restarts.filter((atMs) => nowMs() - atMs < restartWindowMs)
      log.error({ how: end.how, output: toMessage(end), restarts: restarts.length }, 'opa ended')
      if (restarts.length >= maxRestarts) {
        log.error({ restarts: maxRestarts }, 'opa is not started again: every request is denied')
        return
      }
      const pauseMs = restartDelayMs * 2 ** restarts.length
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      restarts.push(nowMs())
      program = await start()
      if (stopping.signal.aborted) await program.stop()
    }
  }
  const watching = watch()
  return async (): Promise<void> => {
    stopping.abort()
    await program.stop()
    await watching
  }
}
