/** Finds out whether synchronous calls to the disk are slow, so that a server of many requests must not wait for them. */

/** Above this a call is slow: local disks answer from the kernel's caches in a hundredth of it. */
const slowMs = 0.5

/** The first calls are timed. If most of them are slow, the disk is: a busy machine makes only a few slow. */
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
  let slowCalls = 0
  return {
    isSlow: () => calls === timedCalls && slowCalls > timedCalls / 2,
    time(call) {
      if (calls === timedCalls) return call()
      const startMs = nowMs()
      try {
        return call()
      } finally {
        calls += 1
        if (nowMs() - startMs > slowMs) slowCalls += 1
      }
    },
  }
}
