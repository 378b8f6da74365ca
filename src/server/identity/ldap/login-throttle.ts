/** Slows down who guesses passwords of a directory's users; see `base/attempt-throttle`. */
import { createAttemptThrottle, TooManyAttempts } from '../../../base/attempt-throttle.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { foldCase } from './distinguished-name.ts'

export interface LoginThrottleOptions {
  readonly nowMs: () => number
  /** Resolves after that many milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
}

export interface Attempter {
  readonly username: string
  readonly address: string
  /** Called before the attempt is held, if it is. */
  readonly onHold?: (() => void) | undefined
}

export interface LoginThrottle {
  /**
   * Makes the attempt when its turn has come, at most 4 s later.
   *
   * @param attempt Undefined when name or password is wrong: that counts.
   * @throws {AwsError} `SlowDown` where too many attempts with this name from this address are under way; and what the attempt throws,
   *   which does not count.
   */
  pace<T>(who: Attempter, attempt: () => Promise<T | undefined>): Promise<T | undefined>
}

/** Each costs the directory three questions, and many directories count failures themselves. */
const maxAtOnce = 8

/** Makes a pacer that remembers in this process only: with `--workers`, each worker counts its own. */
export function createLoginThrottle({ nowMs, wait }: LoginThrottleOptions): LoginThrottle {
  const throttle = createAttemptThrottle({ nowMs, wait, maxAtOnce })
  return {
    async pace({ username, ...where }, attempt) {
      // Directories do not tell `Alice` from `alice `, so neither do we.
      const settle = await throttle
        .enter({ ...where, name: foldCase(username) })
        .catch((error: unknown) => {
          throw error instanceof TooManyAttempts ? slowDown(error) : error
        })
      let outcome: 'right' | 'wrong' | 'unknown' = 'unknown'
      try {
        const result = await attempt()
        outcome = result === undefined ? 'wrong' : 'right'
        return result
      } finally {
        settle(outcome)
      }
    },
  }
}

function slowDown({ message, retryAfterSeconds }: TooManyAttempts): AwsError {
  return new AwsError('SlowDown', message, {
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}
