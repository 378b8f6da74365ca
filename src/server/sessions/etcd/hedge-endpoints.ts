/** Sends one request to several endpoints within one time limit. */

export interface HedgeOptions {
  readonly count: number
  /** The first endpoint to ask. */
  readonly preferred: number
  /** The next endpoint is asked if those before it have not answered for this long. */
  readonly hedgeDelayMs: number
  readonly limitMs: number
  /** Returns whether another endpoint may answer differently. */
  readonly canRetry: (error: unknown) => boolean
}

/** Pause between two rounds after every endpoint has failed; an election takes about a second. */
const pauseMs = 100

/**
 * Asks the preferred endpoint, and others as it fails or does not answer, and returns the first answer. An endpoint that hangs costs
 * `hedgeDelayMs`, one that fails at once costs nothing, and the answer of a slow one still counts.
 *
 * @returns The answer and the index of the endpoint that gave it.
 * @throws The last error when the limit has passed; at once an error that cannot be retried.
 */
export function hedgeEndpoints<T>(
  attempt: (endpoint: number, signal: AbortSignal) => Promise<T>,
  options: HedgeOptions,
): Promise<{ value: T; endpoint: number }> {
  const { count, preferred, hedgeDelayMs, limitMs, canRetry } = options
  return new Promise((resolve, reject) => {
    const calls = new AbortController()
    const timers = new Set<NodeJS.Timeout>()
    let lastError: unknown = new Error(`no answer within ${limitMs} ms`)
    let started = 0
    let running = 0
    let hedgeTimer: NodeJS.Timeout | undefined

    const after = (ms: number, run: () => void): NodeJS.Timeout => {
      const timer = setTimeout(run, ms)
      timers.add(timer)
      return timer
    }
    const finish = (settle: () => void): void => {
      for (const timer of timers) clearTimeout(timer)
      settle()
      calls.abort()
    }
    const launch = (): void => {
      clearTimeout(hedgeTimer)
      if (calls.signal.aborted || started === count) return
      const endpoint = (preferred + started) % count
      started += 1
      running += 1
      hedgeTimer = after(hedgeDelayMs, launch)
      attempt(endpoint, calls.signal).then(
        (value) => finish(() => resolve({ value, endpoint })),
        (error: unknown) => {
          running -= 1
          if (calls.signal.aborted) return
          lastError = error
          if (!canRetry(error)) finish(() => reject(error as Error))
          else if (started < count) launch()
          else if (running === 0) after(pauseMs, startRound)
        },
      )
    }
    const startRound = (): void => {
      started = 0
      launch()
    }
    after(limitMs, () => finish(() => reject(lastError as Error)))
    startRound()
  })
}
