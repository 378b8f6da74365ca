/** Runs a lifecycle pass soon after the start, and then each hour by the server's clock. */
import type { Log } from '../../../base/log.ts'

/** Runs a function after a delay, and returns a function that cancels it. */
type Schedule = (delayMs: number, run: () => void) => () => void

export interface LifecycleOptions {
  /** Runs one pass, until the signal aborts. */
  readonly pass: (signal: AbortSignal) => Promise<unknown>
  readonly nowMs: () => number
  readonly log: Log
  /** Undefined for a real timer, which does not keep the process running. */
  readonly after?: Schedule | undefined
  /**
   * Runs the work in one process of the server only: calls it when this process is the one, until it resolves. Undefined if there is no
   * other process.
   */
  readonly elect?: ((work: () => Promise<void>) => Promise<void>) | undefined
}

/** Between two looks at the clock. Rules are about midnights, so that a pass may be a minute late. */
const tickMs = 60_000
const hourMs = 60 * 60 * 1000

/** Starts the passes. @returns A function that stops them, and resolves when the running one has ended. */
export function startLifecycle(options: LifecycleOptions): () => Promise<void> {
  const stopping = new AbortController()
  const { elect = (work) => work() } = options
  // In a worker that is not the elected one this waits for the end of the other.
  let running: Promise<void> | undefined
  const elected = elect(async () => {
    if (stopping.signal.aborted) return
    running = repeat(options, stopping.signal)
    await running
  })
  elected.catch(() => {})
  return async () => {
    stopping.abort()
    await running
  }
}

async function repeat(
  { pass, nowMs, log, after = runAfter }: LifecycleOptions,
  signal: AbortSignal,
): Promise<void> {
  let lastMs = Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    await sleep(after, signal)
    if (signal.aborted) return
    const atMs = nowMs()
    // A clock that was set back must not stop the passes.
    if (atMs >= lastMs && atMs - lastMs < hourMs) continue
    lastMs = atMs
    try {
      await pass(signal)
    } catch (error) {
      log.error({ reason: String(error) }, 'lifecycle: the pass failed')
    }
  }
}

/** Resolves after a tick, or at once when the signal aborts. */
function sleep(after: Schedule, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      cancel()
      resolve()
    }
    const cancel = after(tickMs, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    signal.addEventListener('abort', stop, { once: true })
  })
}

function runAfter(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
