/** Limits how many requests run at once, how many wait in a queue, and how long they wait. Requests beyond these limits are rejected. */

export interface ConcurrencyLimits {
  readonly maxRunning: number
  readonly maxQueued: number
  readonly maxWaitMs: number
}

export interface ConcurrencyLimiter {
  /** Takes a slot and returns true, or returns false when none is free. */
  tryAcquire(): boolean
  /** Waits for a slot, in order of arrival. Resolves to false when no slot becomes free in time or the queue is full. */
  acquire(): Promise<boolean>
  /** Releases a slot, which passes to the first request in the queue. Call it once for each slot taken. */
  release(): void
}

type Schedule = (delayMs: number, run: () => void) => () => void

/** Returns a limiter. @param after Runs a function later and returns a function that cancels it (default: a timer). */
export function createConcurrencyLimiter(
  { maxRunning, maxQueued, maxWaitMs }: ConcurrencyLimits,
  after: Schedule = runAfter,
): ConcurrencyLimiter {
  let running = 0
  /** A set, because it keeps the order and can remove a request from the middle in constant time. */
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
      // The slot passes directly to the next request, so that a request which arrives meanwhile cannot overtake it.
      if (next.done === true) running -= 1
      else next.value(true)
    },
  }
}

function runAfter(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}
