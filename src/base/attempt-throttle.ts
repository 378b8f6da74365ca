/**
 * Slows down guessing of passwords and client secrets. After some failures each further attempt with the same name, from the same address,
 * or both, is held for a while before it is checked. An attempt is held, never refused for what others did, so nobody can lock out anybody;
 * names that exist and names that do not are treated alike; and the number of attempts that are held at once is bounded.
 */
import { hasPassed } from './has-passed.ts'

export interface AttemptThrottleOptions {
  readonly nowMs: () => number
  /** Resolves after that many milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
  /** Attempts with one name from one address at once; more are refused. With `maxDelayMs` of the first rule this bounds the guesses a second. */
  readonly maxAtOnce: number
}

export interface Attempter {
  /** As it was given. Names that are the same to whoever checks them must be equal here. */
  readonly name: string
  readonly address: string
  /** Called before the attempt is held, if it is: to let go of what others could use meanwhile. */
  readonly onHold?: (() => void) | undefined
}

/** `unknown`: the attempt could not be checked, which does not count. */
export type Outcome = 'right' | 'wrong' | 'unknown'

export interface AttemptThrottle {
  /**
   * Resolves when the attempt may be checked, at most 4 s later, to a function that takes how it ended. That must be called once.
   *
   * @throws {TooManyAttempts} when too many attempts like this one are being made at the same time.
   */
  enter(who: Attempter): Promise<(outcome: Outcome) => void>
}

/** Says that an attempt was not checked: the right password may be tried again. */
export class TooManyAttempts extends Error {
  override readonly name = 'TooManyAttempts'
  /** When to try again. */
  readonly retryAfterSeconds = 4

  constructor() {
    super('too many attempts at once; try again in a few seconds')
  }
}

/**
 * The pauses. Somebody who mistypes meets only the first; a name may be guessed from many addresses without slowing its owner much; an
 * address may be a proxy for many, so it is slowed down least.
 */
const rules = [
  { kind: 'both', freeFailures: 3, maxDelayMs: 4000 },
  { kind: 'name', freeFailures: 10, maxDelayMs: 2000 },
  { kind: 'address', freeFailures: 30, maxDelayMs: 250 },
] as const
type Rule = (typeof rules)[number]

const firstDelayMs = 250
/** Held attempts cost memory and a connection each. */
const maxHeld = 512
const forgottenAfterMs = 15 * 60 * 1000
const maxRecords = 30_000
/** Longer names are nobody's; a record must not become large by one. */
const maxNameLength = 256

interface FailureRecord {
  failures: number
  /** When the last attempt failed, or began after failures. */
  lastAtMs: number
}

/** Makes a throttle that remembers failures in this process only: with several worker processes each counts its own. */
export function createAttemptThrottle(options: AttemptThrottleOptions): AttemptThrottle {
  const { nowMs, wait, maxAtOnce } = options
  const records = createRecords(nowMs)
  const running = new Map<string, number>()
  let held = 0
  /** Milliseconds until the rule lets this attempt be checked; the next one waits from now on. */
  const takeTurn = (rule: Rule, who: Attempter, others: number): number => {
    const record = records.find(keyOf(rule, who))
    if (record === undefined) return 0
    // Attempts that are on their way may fail too: else many would be made before the first has failed.
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

/** Failures by key; the oldest are forgotten when there are too many. */
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
      // Taken out and put back, so that the first in the map is the one longest without a failure.
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
