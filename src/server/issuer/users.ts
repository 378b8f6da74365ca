/** The people of the embedded provider: names, passwords, and how often a password may be guessed. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { hasPassed } from '../../base/has-passed.ts'

export interface IssuerUser {
  readonly name: string
  readonly password: string
  /** Becomes the `policy` claim: one name or several by comma. */
  readonly policy: string
}

/** `locked`: too many wrong passwords for this name; even the right one is not looked at. */
export type PasswordVerdict = 'good' | 'bad' | 'locked'

export interface Users {
  find(name: string): IssuerUser | undefined
  /** Takes as long for a name that nobody has. */
  checkPassword(name: string, password: string): PasswordVerdict
}

const maxFailures = 10
const lockMs = 5 * 60_000

/** Keeps the users; `nowMs` ends a lock. */
export function createUsers(list: readonly IssuerUser[], nowMs: () => number): Users {
  const users = new Map(list.map((user) => [user.name, user]))
  const key = randomBytes(32)
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const nobody = randomBytes(32)
  const failures = new Map<string, { count: number; sinceMs: number }>()
  const isLocked = (bucket: string): boolean => {
    const failed = failures.get(bucket)
    if (failed === undefined) return false
    if (hasPassed(lockMs, failed.sinceMs, nowMs())) failures.delete(bucket)
    return failures.has(bucket) && failed.count >= maxFailures
  }
  return {
    find: (name) => users.get(name),
    checkPassword(name, password) {
      const user = users.get(name)
      // All unknown names share one count, so that the counts cannot grow without end.
      const bucket = user === undefined ? '' : `name ${name}`
      if (isLocked(bucket)) return 'locked'
      const expected = user === undefined ? nobody : digest(user.password)
      if (timingSafeEqual(digest(password), expected) && user !== undefined) {
        failures.delete(bucket)
        return 'good'
      }
      const failed = failures.get(bucket) ?? { count: 0, sinceMs: nowMs() }
      failures.set(bucket, { ...failed, count: failed.count + 1 })
      return 'bad'
    },
  }
}
