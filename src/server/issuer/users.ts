/** The users of the embedded provider: their names, passwords and logins, which are throttled against guessing. */
import { randomBytes } from 'node:crypto'
import { equalInConstantTime } from '../../base/constant-time.ts'
import { hmac } from '../../protocol/digest.ts'
import type { AttemptThrottle } from '../../base/attempt-throttle.ts'

export interface IssuerUser {
  readonly name: string
  readonly password: string
  /** The `policy` claim: one policy name, or several separated by commas. */
  readonly policy: string
}

export interface PasswordLogin {
  readonly name: string
  readonly password: string
  /** The IP address of the client. */
  readonly address: string
  /** Called before the login is delayed because of earlier failures. Not called when there is no delay. */
  readonly onHold?: (() => void) | undefined
}

export interface Users {
  /** Returns the user of that name; undefined when there is none. */
  find(name: string): IssuerUser | undefined
  /**
   * Returns the user when the password is right. Returns undefined, after the same work, for a wrong password and for an unknown name.
   *
   * @throws {TooManyAttempts} when too many logins with this name from this address are running, whether the name is known or not.
   */
  logIn(login: PasswordLogin): Promise<IssuerUser | undefined>
}

/** Returns the users. Only keyed digests of the passwords are compared, in constant time; `throttle` delays guesses. */
export function createUsers(list: readonly IssuerUser[], throttle: AttemptThrottle): Users {
  const users = new Map(list.map((user) => [user.name, user]))
  const key = randomBytes(32)
  const digest = (text: string): Buffer => hmac('sha256', key, text)
  const digests = new Map(list.map(({ name, password }) => [name, digest(password)]))
  const unknownUserDigest = randomBytes(32)
  return {
    find: (name) => users.get(name),
    async logIn({ name, password, ...attempt }) {
      const settle = await throttle.enter({ name, ...attempt })
      const isRight = equalInConstantTime(digest(password), digests.get(name) ?? unknownUserDigest)
      settle(isRight ? 'right' : 'wrong')
      return isRight ? users.get(name) : undefined
    },
  }
}
