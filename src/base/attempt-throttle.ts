/**
 * Throttles guesses of passwords and client secrets. After some failures each further attempt with the same name, from the same address,
 * or both, is delayed before it is checked. An attempt is delayed, never refused because of others, so nobody can lock out another user;
 * existing and unknown names are treated alike; and the number of attempts that are delayed at once is limited.
 */
import { hasPassed } from './has-passed.ts'

export interface AttemptThrottleOptions {
  readonly nowMs: () => number
  /** Resolves after the given number of milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
  /** The simultaneous attempts with one name from one address; more are refused. With `maxDelayMs` of the first rule this limits the guesses a second. */
  readonly maxAtOnce: number
}

export interface Attempter {
  /** The name as given. Names that are the same to the checker must be equal here. */
  readonly name: string
  readonly address: string
  /** Called before the attempt is delayed, if it is: to release resources that others could use meanwhile. */
  readonly onHold?: (() => void) | undefined
}

/** `unknown`: the attempt could not be checked, so it does not count. */
export type Outcome = 'right' | 'wrong' | 'unknown'

export interface AttemptThrottle {
  /**
   * Resolves when the attempt may be checked, at most 4 s later, with a function that takes the result. It must be called once.
   *
   * @throws {TooManyAttempts} when too many attempts of this kind are running.
   */
  enter(who: Attempter): Promise<(outcome: Outcome) => void>
}

/** Reports that an attempt was not checked: the right password may be tried again. */
export class TooManyAttempts extends Error {
  override readonly name = 'TooManyAttempts'
  /** The time until the next attempt. */
  readonly retryAfterSeconds = 4

  constructor() {
    super('too many attempts at once; try again in a few seconds')
  }
}

/**
 * The delays. A user who mistypes gets only the first; a name may be guessed from many addresses without much delay for its owner; an
 * address may be a proxy for many users, so it has the shortest delays.
 */
const rules = [
  { kind: 'both', freeFailures: 3, maxDelayMs: 4000 },
  { kind: 'name', freeFailures: 10, maxDelayMs: 2000 },
  { kind: 'address', freeFailures: 30, maxDelayMs: 250 },
] as const
type Rule = (typeof rules)[number]

const firstDelayMs = 250
/** Delayed attempts cost memory and a connection each. */
const maxHeld = 512
const forgottenAfterMs = 15 * 60 * 1000
const maxRecords = 30_000
/** No user has a longer name; a record must not become large by a name. */
const maxNameLength = 256

interface FailureRecord {
  failures: number
  /** The time of the last failed attempt, or of the start of one after failures. */
  lastAtMs: number
}

/** Creates a throttle that counts failures only in this process: several worker processes count separately. */
export function createAttemptThrottle(options: AttemptThrottleOptions): AttemptThrottle {
  const { nowMs, wait, maxAtOnce } = options
  const records = createRecords(nowMs)
  const running = new Map<string, number>()
  let held = 0
  /** Returns the milliseconds until the rule lets this attempt be checked; the next one waits from now on. */
  const takeTurn = (rule: Rule, who: Attempter, others: number): number => {
    const record = records.find(keyOf(rule, who))
    if (record === undefined) return 0
    // Running attempts may fail too: otherwise many could run before the first has failed.
    const pending = rule.kind === 'both' ? others : 0
    const delayMs = delayAfter(record.failures + pending, rule)
    const now = nowMs()
    const waitMs = hasPassed(delayMs, record.lastAtMs, now) ? 0 : record.lastAtMs + delayMs - now
    record.lastAtMs = now
    return waitMs
  }
  const hold = async (waitMs: number, { onHold }: Attempter): Promise<void> => {
    if (waitMs <= 0) return
    if (held >= maxHeld) throw new TooManyAttempts()
    held += 1
    onHold?.()
    try {
      await wait(waitMs)
    } finally {
      held -= 1
    }
  }
  const leave = (key: string): void => {
    const left = (running.get(key) ?? 1) - 1
    if (left === 0) running.delete(key)
    else running.set(key, left)
  }
  return {
    async enter(given) {
      const who = { ...given, name: given.name.slice(0, maxNameLength) }
      const key = keyOf(rules[0], who)
      const others = running.get(key) ?? 0
      if (others >= maxAtOnce) throw new TooManyAttempts()
      running.set(key, others + 1)
      try {
        await hold(Math.max(...rules.map((rule) => takeTurn(rule, who, others))), who)
      } catch (error) {
        leave(key)
        throw error
      }
      return (outcome) => {
        leave(key)
        if (outcome === 'right') records.forget(key)
        if (outcome === 'wrong') for (const rule of rules) records.count(keyOf(rule, who))
      }
    },
  }
}

/** Failures by key; the oldest are dropped when there are too many. */
function createRecords(nowMs: () => number): {
  find(key: string): FailureRecord | undefined
  count(key: string): void
  forget(key: string): void
} {
  const records = new Map<string, FailureRecord>()
  const find = (key: string): FailureRecord | undefined => {
    const record = records.get(key)
    if (record === undefined || !hasPassed(forgottenAfterMs, record.lastAtMs, nowMs()))
      return record
    records.delete(key)
    return undefined
  }
  return {
    find,
    count(key) {
      const failures = (find(key)?.failures ?? 0) + 1
      // Removed and added again, so that the first entry of the map is the one longest without a failure.
      records.delete(key)
      records.set(key, { failures, lastAtMs: nowMs() })
      const oldest = records.keys().next()
      if (records.size > maxRecords && !oldest.done) records.delete(oldest.value)
    },
    forget: (key) => void records.delete(key),
  }
}

function delayAfter(failures: number, { freeFailures, maxDelayMs }: Rule): number {
  const excess = failures - freeFailures
  return excess < 0 ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(excess, 10))
}

function keyOf({ kind }: Rule, { name, address }: Attempter): string {
  if (kind === 'address') return `address ${address}`
  return kind === 'name' ? `name ${name}` : `both ${address} ${name}`
}
