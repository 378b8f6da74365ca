/** How many requests are worked on at once, how many wait for that, and for how long. What is beyond is refused, not queued without end. */

export interface AdmissionLimits {
  readonly maxRunning: number
  readonly maxQueued: number
  readonly maxWaitMs: number
}

export interface Admission {
  /** Takes a place, if one is free and nobody waits for it. */
  tryEnter(): boolean
  /** Waits for a place, in the order of arrival. Resolves to false where it does not come in time, or too many wait. */
  waitToEnter(): Promise<boolean>
  /** Gives the place to the next. Once for each that was taken. */
  leave(): void
}

type Schedule = (delayMs: number, run: () => void) => () => void

/** Makes a gate. @param after Runs a function later; a timer when left out. Returns what cancels it. */
export function createAdmission(
  { maxRunning, maxQueued, maxWaitMs }: AdmissionLimits,
  after: Schedule = runAfter,
): Admission {
  let running = 0
  /** A set keeps the order, and lets go of one in the middle at once. */
  const queue = new Set<(isAdmitted: boolean) => void>()
  return {
    tryEnter() {
      if (running >= maxRunning) return false
      running += 1
      return true
    },
    waitToEnter() {
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
    leave() {
      const next = queue.values().next()
      // The place goes from hand to hand: whoever arrives meanwhile does not get it first.
      if (next.done === true) running -= 1
      else next.value(true)
    },
  }
}

function runAfter(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}
