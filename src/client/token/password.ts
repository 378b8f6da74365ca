/**
 * The password grant (RFC 6749 §4.3), for providers and test users that have nothing else. RFC 9700 §2.4 forbids it, because the client sees the
 * person's password, and there is no second factor.
 */
import type { IdTokenAccess, NetOptions } from '../options.ts'
import { openProvider } from './openid-provider.ts'
import type { PersonalToken } from './provider.ts'

export interface PasswordSource extends IdTokenAccess {
  readonly grant: 'password'
  readonly username: string
  readonly password: string
}

/** Gets the tokens of a person by their password. @throws {StsCliError} `ERR_REFUSED` with the provider's own words. */
export async function obtainPasswordToken(
  source: PasswordSource,
  net: NetOptions,
): Promise<PersonalToken> {
  const provider = await openProvider(source, net, { isDiscovered: true })
  const { username, password } = source
  return provider.requestToken('password', { username, password })
}
