/** A person's login, renewed by the refresh token that the keyring holds. */
import type { Io } from '../base/io.ts'
import { readRemembered, type RememberedCredentials } from '../client/credential-cache.ts'
import { obtainCredentials } from '../client/obtain-credentials.ts'
import { readRenewal } from '../client/renewals.ts'
import { readCacheOptions, readNetOptions } from './flow-options.ts'
import type { Settings } from './settings.ts'
import { readSaidSecret } from './token-source.ts'

/**
 * New credentials as the profile's login had them: the same provider, client, STS, action and policy.
 *
 * @returns Undefined where the profile's login left nothing in the keyring.
 * @throws {StsCliError} `ERR_REFUSED` when the login is over at the provider.
 */
export async function renewLogin(
  settings: Settings,
  io: Io,
): Promise<RememberedCredentials | undefined> {
  const cache = readCacheOptions(settings, io)
  const { directory, profile } = cache
  const isRenewable = directory !== undefined && readRemembered(directory, profile)?.isRenewable
  if (isRenewable !== true) return undefined
  const renewal = await readRenewal(await io.openKeyring?.(), profile)
  if (renewal === undefined) return undefined
  // A secret is sent as the client that it was given for, or not at all.
  const isSameClient = settings.getSaid('client-id') === renewal.access.clientId
  const clientSecret = isSameClient ? await readSaidSecret(settings, io) : undefined
  return obtainCredentials(
    {
      source: { grant: 'refresh-token', profile, clientSecret },
      exchange: renewal.exchange,
      net: readNetOptions(settings, io),
      cache,
    },
    io,
  )
}
