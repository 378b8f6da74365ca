/** The workers of one server: begun together, replaced one by one when they die, stopped together. */
import cluster, { type Worker } from 'node:cluster'
import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { StartFailure, ToPrimary } from './messages.ts'
import { createPrimary } from './primary.ts'
import type { WorkerOptions } from './worker-options.ts'

export interface WorkerPoolOptions {
  /** Sent to each worker. */
  readonly options: WorkerOptions
  readonly log: Log
  readonly nowMs: () => number
}

export interface WorkerPool {
  /**
   * Resolves to the workers' address when all of them listen.
   *
   * @throws {StsCliError} What kept the first of them from starting.
   */
  start(count: number): Promise<string>
  /** Lets them finish what runs; those that take longer than the time given are ended. */
  stop(graceMs: number): Promise<void>
}

const startTimeoutMs = 30_000
const deathsAreRecentForMs = 60_000
const longestPauseMs = 10_000

/** How long to wait before a worker is replaced, by the deaths of the last minute: one that dies at once must not keep a core busy. */
export function pauseBeforeReplacementMs(recentDeaths: number): number {
  return recentDeaths <= 1 ? 0 : Math.min(100 * 2 ** recentDeaths, longestPauseMs)
}

/** Makes a pool without workers. */
export function createWorkerPool({ options, log, nowMs }: WorkerPoolOptions): WorkerPool {
  const { workers, connect, tell } = createPrimary()
  let deathsMs: number[] = []
  let isStopping = false
  // Nothing of our own argument list: it may hold secrets, and all that matters is sent.
  cluster.setupPrimary({ args: ['serve'], serialization: 'advanced' })

  const begin = async (): Promise<string> => {
    const worker = cluster.fork()
    connect(worker)
    worker.once('exit', (code, signal) => {
      if (!isStopping) replace({ pid: worker.process.pid, code, signal })
    })
    worker.on('message', (message: ToPrimary) => {
      if (message.kind === 'here') tell(worker, { kind: 'start', options })
    })
    const url = await waitUntilReady(worker)
    log.info({ pid: worker.process.pid }, 'a worker is ready')
    return url
  }

  const replace = (facts: object): void => {
    const diedAtMs = nowMs()
    deathsMs = [...deathsMs.filter((atMs) => diedAtMs - atMs < deathsAreRecentForMs), diedAtMs]
    const pauseMs = pauseBeforeReplacementMs(deathsMs.length)
    log.error({ ...facts, pauseMs }, 'a worker died; another takes its place')
    setTimeout(() => {
      if (isStopping) return
      begin().catch((error: unknown) =>
        log.error({ reason: String(error) }, 'the worker in its place did not start'),
      )
    }, pauseMs)
  }

  return {
    async start(count) {
      const [url = ''] = await Promise.all(Array.from({ length: count }, begin))
      return url
    },
    async stop(graceMs) {
      isStopping = true
      const ended = [...workers].map((worker) => waitForEnd(worker))
      for (const worker of workers) tell(worker, { kind: 'stop' })
      const end = setTimeout(() => {
        for (const worker of workers) worker.process.kill('SIGKILL')
      }, graceMs)
      await Promise.all(ended)
      clearTimeout(end)
    },
  }
}

function waitForEnd(worker: Worker): Promise<void> {
  return new Promise((resolve) => worker.once('exit', () => resolve()))
}

function waitUntilReady(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
      // One that cannot serve is of no use; where the server goes on, its end has it replaced.
      worker.process.kill('SIGKILL')
    }
    const timer = setTimeout(
      () => fail(workerError('worker-start-timeout', 'a worker did not start in 30 seconds')),
      startTimeoutMs,
    )
    worker.on('message', (message: ToPrimary) => {
      if (message.kind === 'failed') fail(toError(message.failure))
      if (message.kind !== 'ready') return
      clearTimeout(timer)
      resolve(message.url)
    })
    worker.once('exit', () =>
      fail(workerError('worker-ended', 'a worker ended before it was ready')),
    )
  })
}

function toError({ reason, message, details, serverMessage }: StartFailure): Error {
  return reason === undefined
    ? new Error(`a worker failed: ${message}`)
    : new StsCliError(reason, message, { stage: 'serve', details, serverMessage })
}

function workerError(reason: ErrorReason, message: string): StsCliError {
  return new StsCliError(reason, message, { stage: 'serve' })
}
