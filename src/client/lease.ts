/** Credentials for a long run: renewed before they expire, once for any number of callers. */
import type { IssuedCredentials } from '../protocol/credentials.ts'
import { findUsable, renewalMarginMs } from './find-usable.ts'

export interface LeaseOptions {
  readonly first: IssuedCredentials
  /** Gets credentials with at least this much lifetime left: new ones, or those that another process got meanwhile. */
  readonly renew: (minTtlSeconds: number) => Promise<IssuedCredentials>
  /** The wall clock, which can be set, and which goes on while the machine sleeps. */
  readonly nowMs: () => number
  /** A clock that cannot be set, and that may stand still while the machine sleeps. */
  readonly monotonicMs: () => number
  /** Called for the first failure of each series. */
  readonly report: (error: unknown, remainingMs: number) => void
}

export interface Lease {
  /** Returns the credentials to use now. @throws Why the last renewal failed, when the credentials are expired. */
  current(): Promise<IssuedCredentials>
  /** Begins no renewal afterwards; one that is running is left to end. */
  stop(): void
}

/** A caller waits for a renewal only when less than this is left: an SDK waits a second or two. */
const urgentMs = 5000
/** A timer stands still while the machine sleeps, so it never runs for longer than this. */
const maxTimerMs = 60_000
const maxRetryMs = 30_000

/** Opens a lease, which renews its credentials when a fifth of their lifetime is left, at most fifteen minutes before they expire. */
export function openLease(options: LeaseOptions): Lease {
  let timed = begin(options.first)
  let renewing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let lastError: unknown
  let retryAtMs = 0
  let isStopped = false

  function begin(credentials: IssuedCredentials): TimedCredentials {
    return { credentials, takenAtMs: options.nowMs(), takenAtMonotonicMs: options.monotonicMs() }
  }
  const left = (): number => timed.credentials.expiresAtMs - presentMs(timed, options)
  const isDue = (): boolean => {
    const { credentials } = timed
    const minTtlSeconds = marginMs(credentials) / 1000
    return findUsable(credentials, presentMs(timed, options), minTtlSeconds) === undefined
  }
  const take = async (): Promise<void> => {
    try {
      timed = begin(await options.renew(marginMs(timed.credentials) / 1000))
      failures = 0
      // Where clocks disagree, new credentials can look old: there must still be a pause before the next request.
      if (isDue()) retryAtMs = options.monotonicMs() + 1000
    } catch (error) {
      if (failures === 0) options.report(error, left())
      lastError = error
      retryAtMs = options.monotonicMs() + Math.min(maxRetryMs, 1000 * 2 ** failures)
      failures += 1
    } finally {
      renewing = undefined
    }
  }
  const renewWhenDue = (): Promise<void> => {
    if (isStopped || !isDue() || options.monotonicMs() < retryAtMs)
      return renewing ?? Promise.resolve()
    renewing ??= take()
    return renewing
  }
  const schedule = (): void => {
    if (isStopped) return
    const untilDueMs = left() - marginMs(timed.credentials)
    const waitMs = Math.max(untilDueMs, retryAtMs - options.monotonicMs(), 10)
    timer = setTimeout(() => void renewWhenDue().then(schedule), Math.min(maxTimerMs, waitMs))
  }
  schedule()
  return {
    async current() {
      const renewed = renewWhenDue()
      if (left() <= urgentMs) await renewed
      if (left() <= 0) throw lastError ?? new Error('the new credentials are over already')
      return timed.credentials
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

interface TimedCredentials {
  readonly credentials: IssuedCredentials
  readonly takenAtMs: number
  readonly takenAtMonotonicMs: number
}

/** Returns the present by the clock that has gone further: the wall clock counts a sleep, the other one is not fooled by a clock set back. */
function presentMs(timed: TimedCredentials, { nowMs, monotonicMs }: LeaseOptions): number {
  const passedMs = Math.max(nowMs() - timed.takenAtMs, monotonicMs() - timed.takenAtMonotonicMs)
  return timed.takenAtMs + passedMs
}

/** Returns the renewal margin. It may be shorter than a command's, because a lease hands out credentials again and again. */
function marginMs(credentials: IssuedCredentials): number {
  return renewalMarginMs(credentials, urgentMs)
}
