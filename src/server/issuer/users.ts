/** The people of the embedded provider: names, passwords, and how fast a password may be guessed. */
import { randomBytes } from 'node:crypto'
import { equalInConstantTime } from '../../base/constant-time.ts'
import { hmac } from '../../protocol/digest.ts'
import type { AttemptThrottle } from '../../base/attempt-throttle.ts'

export interface IssuerUser {
  readonly name: string
  readonly password: string
  /** Becomes the `policy` claim: one name or several by comma. */
  readonly policy: string
}

export interface PasswordLogin {
  readonly name: string
  readonly password: string
  /** Where the request comes from. */
  readonly address: string
  /** Called before the login is held after failures, if it is. */
  readonly onHold?: (() => void) | undefined
}

export interface Users {
  find(name: string): IssuerUser | undefined
  /**
   * Returns the user; undefined, after the same work, for a wrong password and for a name that nobody has.
   *
   * @throws {TooManyAttempts} when too many logins with this name from this address are under way, whether it exists or not.
   */
  logIn(login: PasswordLogin): Promise<IssuerUser | undefined>
}

/** Keeps the users; the throttle slows down guesses. */
export function createUsers(list: readonly IssuerUser[], throttle: AttemptThrottle): Users {
  const users = new Map(list.map((user) => [user.name, user]))
  const key = randomBytes(32)
  const digest = (text: string): Buffer => hmac('sha256', key, text)
  const digests = new Map(list.map(({ name, password }) => [name, digest(password)]))
  const nobody = randomBytes(32)
  return {
    find: (name) => users.get(name),
    async logIn({ name, password, ...where }) {
      const settle = await throttle.enter({ name, ...where })
      const isRight = equalInConstantTime(digest(password), digests.get(name) ?? nobody)
      settle(isRight ? 'right' : 'wrong')
      return isRight ? users.get(name) : undefined
    },
  }
}
