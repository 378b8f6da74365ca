/** Limits how many requests run at once, how many wait for that, and for how long. Any more are refused: there is no endless queue. */

export interface ConcurrencyLimits {
  readonly maxRunning: number
  readonly maxQueued: number
  readonly maxWaitMs: number
}

export interface ConcurrencyLimiter {
  /** Takes a slot, if one is free and nobody waits for it. */
  tryAcquire(): boolean
  /** Waits for a slot, in the order of arrival. Resolves to false when none is free in time, or too many wait. */
  acquire(): Promise<boolean>
  /** Gives the slot to the next that waits. Call it once for each slot taken. */
  release(): void
}

type Schedule = (delayMs: number, run: () => void) => () => void

/** Makes a limiter. @param after Runs a function later and returns what cancels it; a timer when left out. */
export function createConcurrencyLimiter(
  { maxRunning, maxQueued, maxWaitMs }: ConcurrencyLimits,
  after: Schedule = runAfter,
): ConcurrencyLimiter {
  let running = 0
  /** A set keeps the order, and removes one from the middle at once. */
  const queue = new Set<(isAdmitted: boolean) => void>()
  return {
    tryAcquire() {
      if (running >= maxRunning) return false
      running += 1
      return true
    },
    acquire() {
      if (queue.size >= maxQueued) return Promise.resolve(false)
      return new Promise((resolve) => {
        const settle = (isAdmitted: boolean): void => {
          queue.delete(settle)
          cancel()
          resolve(isAdmitted)
        }
        const cancel = after(maxWaitMs, () => settle(false))
        queue.add(settle)
      })
    },
    release() {
      const next = queue.values().next()
      // The slot passes directly to the next: a request that arrives meanwhile must not overtake it.
      if (next.done === true) running -= 1
      else next.value(true)
    },
  }
}

function runAfter(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}
