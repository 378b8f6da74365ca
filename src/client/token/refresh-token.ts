/** The refresh grant (RFC 6749 §6), with the refresh token in the keyring. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { NetOptions } from '../options.ts'
import { deleteRenewal, storeRenewal, readRenewal } from '../refresh-token-store.ts'
import { openProvider } from './openid-provider.ts'
import type { PersonalToken } from './provider.ts'

/** The keyring holds everything except the profile's name and the client's secret. */
export interface RefreshSource {
  readonly grant: 'refresh-token'
  readonly profile: string
  readonly clientSecret?: string | undefined
}

/**
 * Gets new tokens from the provider that gave the refresh token. Where the provider rotates refresh tokens (RFC 9700 §4.14.2), the new one is
 * stored before anything else happens; an expired one is deleted.
 *
 * @throws {StsCliError} `ERR_REFUSED` when there is no refresh token, or it expired.
 */
export async function obtainRefreshedToken(
  { profile, clientSecret }: RefreshSource,
  { net, io }: { net: NetOptions; io: Io },
): Promise<PersonalToken & { readonly isIdTokenWanted: boolean }> {
  const keyring = await io.openKeyring?.()
  const renewal = await readRenewal(keyring, profile)
  if (renewal === undefined)
    throw new StsCliError(
      'refresh-token-missing',
      'the keyring holds nothing to renew this profile with',
      {
        stage: 'config',
        details: { profile },
      },
    )
  const { access, isIdTokenWanted } = renewal
  if (access.authMethod.startsWith('client_secret') && clientSecret === undefined)
    throw new StsCliError(
      'client-secret-not-cached',
      'the client’s secret is not remembered, and not given',
      {
        stage: 'config',
        details: { profile },
      },
    )
  const provider = await openProvider({ ...access, clientSecret }, net, { isDiscovered: true })
  try {
    const token = await provider.requestToken('refresh_token', {
      refresh_token: renewal.refreshToken,
    })
    if (token.refreshToken !== undefined)
      await storeRenewal(keyring, profile, { ...renewal, refreshToken: token.refreshToken })
    return { ...token, isIdTokenWanted }
  } catch (error) {
    if (!(error instanceof StsCliError) || error.serverCode !== 'invalid_grant') throw error
    await deleteRenewal(keyring, profile)
    throw new StsCliError('login-expired', 'the login is over at the identity provider', {
      ...error,
      details: { profile },
      cause: error,
    })
  }
}

/**
 * Deletes a profile's refresh token and revokes it at the provider. It is deleted whatever the provider answers.
 *
 * @returns Whether it was revoked: a client with a secret cannot authenticate here, and not every provider has a revocation endpoint.
 * @throws {StsCliError} When the provider cannot be reached or refuses.
 */
export async function revokeRenewal(
  profile: string,
  { net, io }: { net: NetOptions; io: Io },
): Promise<boolean> {
  const keyring = await io.openKeyring?.()
  const renewal = await readRenewal(keyring, profile)
  await deleteRenewal(keyring, profile)
  if (renewal === undefined || renewal.access.authMethod.startsWith('client_secret')) return false
  const provider = await openProvider(renewal.access, net, { isDiscovered: true })
  return provider.revokeToken(renewal.refreshToken)
}
