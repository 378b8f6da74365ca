/**
 * Open Policy Agent as a program of ours, for `--rego`: started on a Unix socket in a folder that only this user can enter (whoever
 * reaches OPA can change its policies; a port of 127.0.0.1 is everybody's on this machine), watched, and stopped with the server.
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
import { readRego, refuseRego, toWords } from './read-rego.ts'

export interface RunOpaOptions {
  /** A Rego file, or a folder of them and their data. */
  readonly rego: string
  /** What to ask: `httpapi/authz`, or `data.httpapi.authz.allow`; found in the Rego when left out. */
  readonly query: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly nowMs: () => number
  /** Pause before the first restart, doubled for each that follows. */
  readonly restartDelayMs?: number
  readonly startLimitMs?: number
}

export interface RunningOpa {
  readonly socketPath: string
  /** The document to ask for; its host stands for the socket. */
  readonly url: string
  stop(): Promise<void>
}

const origin = 'http://opa'
const maxRestarts = 5
const restartWindowMs = 10 * 60 * 1000

/**
 * Starts OPA and waits until it answers.
 *
 * @throws {StsCliError} `ERR_INPUT` for a file that is not there, `ERR_CONFIG` where there is no `opa` or it refuses the Rego, in its own
 *   words, `ERR_TIMEOUT` when it does not answer. Nothing is left running.
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

/** Rego can read its environment (`opa.runtime()`): ours holds the root secret. */
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
      if (await fetchJson(`${origin}/health`).then(isThere, isNotThere)) return
      if (end !== undefined) throw refuseRego(rego, end)
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

const isThere = (): boolean => true
const isNotThere = (): boolean => false

interface Watched extends RunOpaOptions {
  readonly first: RunningProgram
  readonly start: () => Promise<RunningProgram>
}

/**
 * Starts OPA again when it ends, at most five times in ten minutes; meanwhile nobody answers, so every request is denied.
 *
 * @returns What stops it.
 */
function keepRunning({ first, start, log, nowMs, restartDelayMs = 100 }: Watched) {
  const stopping = new AbortController()
  let program = first
  let restarts: number[] = []
  const watch = async (): Promise<void> => {
    for (;;) {
      const end = await program.ended
      if (stopping.signal.aborted) return
      restarts = restarts.filter((atMs) => nowMs() - atMs < restartWindowMs)
      log.error({ how: end.how, said: toWords(end), restarts: restarts.length }, 'opa ended')
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
