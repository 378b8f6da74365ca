/** Credentials that a long run can go on asking for: renewed before they end, once for however many ask. */
import type { CachedCredentials } from './credential-cache.ts'

export interface LeaseOptions {
  readonly first: CachedCredentials
  /** Credentials with at least this much life left: new ones, or those that another process got meanwhile. */
  readonly renew: (minTtlSeconds: number) => Promise<CachedCredentials>
  /** The wall clock, which can be set and goes on while a machine sleeps. */
  readonly nowMs: () => number
  /** A clock that nobody sets, and that may stand still while a machine sleeps. */
  readonly monotonicMs: () => number
  /** Told of the first failure of each row of them. */
  readonly report: (error: unknown, remainingMs: number) => void
}

export interface Lease {
  /** The credentials to use now. @throws What kept the last renewal from working, when those that there were are over. */
  current(): Promise<CachedCredentials>
  /** No renewal is begun afterwards; one that is under way is left alone. */
  stop(): void
}

/** Whoever asks waits for a renewal only when less than this is left: an SDK gives us a second or two. */
const urgentMs = 5000
/** A timer stands still while a machine sleeps; so it is never trusted for longer than this. */
const maxTimerMs = 60_000
const maxRetryMs = 30_000

/** Holds credentials and renews them when a fifth of their life is left, at most fifteen minutes before the end. */
export function openLease(options: LeaseOptions): Lease {
  let held = hold(options.first)
  let renewing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let lastError: unknown
  let retryAtMs = 0
  let isStopped = false

  function hold(credentials: CachedCredentials): Held {
    return { credentials, takenAtMs: options.nowMs(), takenAtMonotonicMs: options.monotonicMs() }
  }
  const left = (): number => remainingMs(held, options)
  const isDue = (): boolean => left() <= marginMs(held.credentials)
  const take = async (): Promise<void> => {
    try {
      held = hold(await options.renew(marginMs(held.credentials) / 1000))
      failures = 0
      // Where the clocks disagree, new credentials can look old: that is no reason to ask without a pause.
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
    const untilDueMs = left() - marginMs(held.credentials)
    const waitMs = Math.max(untilDueMs, retryAtMs - options.monotonicMs(), 10)
    timer = setTimeout(() => void renewWhenDue().then(schedule), Math.min(maxTimerMs, waitMs))
  }
  schedule()
  return {
    async current() {
      const renewed = renewWhenDue()
      if (left() <= urgentMs) await renewed
      if (left() <= 0) throw lastError ?? new Error('the new credentials are over already')
      return held.credentials
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

interface Held {
  readonly credentials: CachedCredentials
  readonly takenAtMs: number
  readonly takenAtMonotonicMs: number
}

/** By the clock that has gone further: the wall clock counts a sleep, the other one is not fooled by a clock set back. */
function remainingMs(held: Held, { nowMs, monotonicMs }: LeaseOptions): number {
  const passedMs = Math.max(nowMs() - held.takenAtMs, monotonicMs() - held.takenAtMonotonicMs)
  return held.credentials.expiresAtMs - held.takenAtMs - passedMs
}

/** A fifth of the life, at most fifteen minutes; of very short lives more, so that what is handed out can still be used. */
function marginMs({ issuedAtMs, expiresAtMs }: CachedCredentials): number {
  const lifeMs = expiresAtMs - issuedAtMs
  return Math.max(Math.min(900_000, lifeMs / 5), Math.min(urgentMs, lifeMs / 2))
}
