/** Finds out whether synchronous calls to the disk are slow, so that a server of many requests must not wait for them. */

/** The first calls are timed; a mean above this makes all further ones asynchronous. */
const slowMs = 1
const timedCalls = 64

export interface Pace {
  /** True if the timed calls were slow. */
  isSlow(): boolean
  /** Makes a call, and times it while the pace is not known. */
  time<T>(call: () => T): T
}

/** @param nowMs A clock with fractions of milliseconds. */
export function createPace(nowMs: () => number): Pace {
  let calls = 0
  let totalMs = 0
  return {
    isSlow: () => calls === timedCalls && totalMs > timedCalls * slowMs,
    time(call) {
      if (calls === timedCalls) return call()
      const startMs = nowMs()
      try {
        return call()
      } finally {
        calls += 1
        totalMs += nowMs() - startMs
      }
    },
  }
}
