/**
 * Slows down who guesses passwords: after some failures the next attempts of the same user, of the same address, or of both together, are
 * spaced. Nobody is locked out, whether a user exists makes no difference, and what waits is bounded.
 */
import { hasPassed } from '../../../base/has-passed.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { foldCase } from './distinguished-name.ts'

export interface PacerOptions {
  readonly nowMs: () => number
  /** Resolves after that many milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
}

export interface Attempter {
  readonly username: string
  readonly address: string
}

export interface AttemptPacer {
  /**
   * Makes the attempt when its turn has come.
   *
   * @param attempt Undefined when name or password is wrong: that counts.
   * @throws {AwsError} `SlowDown` where the turn is too far away; and what the attempt throws, which does not count.
   */
  pace<T>(who: Attempter, attempt: () => Promise<T | undefined>): Promise<T | undefined>
}

/** Somebody who mistypes meets the first only; one address may be a proxy for many, so it is slowed down least. */
const rules = [
  { name: 'both', freeFailures: 3, maxDelayMs: 4000 },
  { name: 'user', freeFailures: 10, maxDelayMs: 2000 },
  { name: 'address', freeFailures: 30, maxDelayMs: 250 },
] as const
type Rule = (typeof rules)[number]
/** At once by one user from one address: else many guesses would be on their way before the first has failed. */
const maxAtOnce = 8
const firstDelayMs = 250
/** Whoever would wait longer than this is sent away: waiting requests cost memory. */
const maxWaitMs = 8000
const forgottenAfterMs = 15 * 60 * 1000
const maxRecords = 30_000

interface FailureRecord {
  failures: number
  lastAtMs: number
  /** When the next attempt may be made. */
  freeAtMs: number
}

/** Makes a pacer that remembers in this process alone. */
export function createAttemptPacer({ nowMs, wait }: PacerOptions): AttemptPacer {
  const records = new Map<string, FailureRecord>()
  const find = (key: string): FailureRecord | undefined => {
    const record = records.get(key)
    if (record === undefined || !hasPassed(forgottenAfterMs, record.lastAtMs, nowMs()))
      return record
    records.delete(key)
    return undefined
  }
  const count = (rule: Rule, who: Attempter): void => {
    const key = keyOf(rule.name, who)
    const record = find(key) ?? { failures: 0, lastAtMs: 0, freeAtMs: 0 }
    record.failures += 1
    record.lastAtMs = nowMs()
    record.freeAtMs = Math.max(record.freeAtMs, nowMs() + delayAfter(record.failures, rule))
    // Taken out and put back, so that the first in the map is the one longest without a failure.
    records.delete(key)
    records.set(key, record)
    const oldest = records.keys().next()
    if (records.size > maxRecords && !oldest.done) records.delete(oldest.value)
  }
  /** Waits for a turn, and takes it. */
  const admit = async (who: Attempter): Promise<void> => {
    const turns = rules.flatMap((rule) => {
      const record = find(keyOf(rule.name, who))
      return record === undefined ? [] : [{ record, delayMs: delayAfter(record.failures, rule) }]
    })
    const startAtMs = Math.max(nowMs(), ...turns.map(({ record }) => record.freeAtMs))
    const waitMs = startAtMs - nowMs()
    if (waitMs > maxWaitMs) throw slowDown()
    for (const { record, delayMs } of turns) record.freeAtMs = startAtMs + delayMs
    if (waitMs > 0) await wait(waitMs)
  }
  const running = new Map<string, number>()
  return {
    async pace(who, attempt) {
      const key = keyOf('both', who)
      const others = running.get(key) ?? 0
      if (others >= maxAtOnce) throw slowDown()
      running.set(key, others + 1)
      try {
        await admit(who)
        const result = await attempt()
        if (result === undefined) for (const rule of rules) count(rule, who)
        else records.delete(key)
        return result
      } finally {
        const left = (running.get(key) ?? 1) - 1
        if (left === 0) running.delete(key)
        else running.set(key, left)
      }
    },
  }
}

function slowDown(): AwsError {
  return new AwsError('SlowDown', 'too many failed attempts; try again later')
}

function delayAfter(failures: number, { freeFailures, maxDelayMs }: Rule): number {
  const excess = failures - freeFailures
  return excess < 0 ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(excess, 10))
}

/** Directories do not tell `Alice` from `alice `, so neither do we. */
function keyOf(rule: Rule['name'], { username, address }: Attempter): string {
  const user = foldCase(username)
  if (rule === 'address') return `a ${address}`
  return rule === 'user' ? `u ${user}` : `b ${address} ${user}`
}
