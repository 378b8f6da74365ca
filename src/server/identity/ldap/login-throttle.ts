/** Throttles failed logins of a directory's users, against password guessing; see `base/attempt-throttle`. */
import { createAttemptThrottle, TooManyAttempts } from '../../../base/attempt-throttle.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { foldCase } from './distinguished-name.ts'

export interface LoginThrottleOptions {
  readonly nowMs: () => number
  /** Resolves after the given number of milliseconds. */
  readonly wait: (delayMs: number) => Promise<void>
}

/** The user name and the client of one attempt. */
export interface LoginAttempt {
  readonly username: string
  /** The IP address of the client. */
  readonly address: string
  /** Called before the attempt is delayed. Not called when there is no delay. */
  readonly onHold?: (() => void) | undefined
}

export interface LoginThrottle {
  /**
   * Calls `check` after the delay, which is at most 4 s, and returns its result.
   *
   * @param check Checks the name and the password. Undefined counts as a failed login; an error does not.
   * @throws {AwsError} `SlowDown` when too many attempts with this name from this address are running. Errors of `check` are passed on.
   */
  run<T>(attempt: LoginAttempt, check: () => Promise<T | undefined>): Promise<T | undefined>
}

/**
 * The most simultaneous attempts with one name from one address. Each costs the directory three requests, and many directories count
 * failures themselves.
 */
const maxAtOnce = 8

/** Returns a throttle whose counts are in this process only: with `--workers`, each worker counts its own failures. */
export function createLoginThrottle({ nowMs, wait }: LoginThrottleOptions): LoginThrottle {
  const throttle = createAttemptThrottle({ nowMs, wait, maxAtOnce })
  return {
    async run({ username, ...attempt }, check) {
      // Directories treat `Alice` and `alice ` as the same name, so the throttle does too.
      const settle = await throttle
        .enter({ ...attempt, name: foldCase(username) })
        .catch((error: unknown) => {
          throw error instanceof TooManyAttempts ? slowDown(error) : error
        })
      let outcome: 'right' | 'wrong' | 'unknown' = 'unknown'
      try {
        const result = await check()
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
