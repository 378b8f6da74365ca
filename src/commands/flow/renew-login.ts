/** Renews a person's login by the refresh token in the keyring. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { CachedCredentials } from '../../client/credential-cache.ts'
import { getOriginText, isSameValue } from '../../client/credential-origin.ts'
import { obtainCredentials } from '../../client/flow/obtain-credentials.ts'
import { suggestCommand } from '../hints/suggest-command.ts'
import { readRenewal, type Renewal } from '../../client/refresh-token-store.ts'
import { readCacheOptions, readNetOptions } from './obtain-options.ts'
import type { Settings } from '../options/settings.ts'
import { readExpectations } from './session-parameters.ts'
import { readExplicitSecret } from './token-source.ts'

/**
 * Returns new credentials as the profile's login got them: the same provider, client, STS, action and policy.
 *
 * @param settings Those of the login, given again.
 * @returns Undefined where the login left nothing in the keyring.
 * @throws {StsCliError} `ERR_REFUSED` when the login expired at the provider, or the keyring holds another login.
 */
export async function renewLogin(
  settings: Settings,
  cached: CachedCredentials,
  io: Io,
): Promise<CachedCredentials | undefined> {
  if (cached.isRenewable !== true) return undefined
  const { profile, origin } = cached
  const renewal = await readRenewal(await io.openKeyring?.(), profile)
  if (renewal === undefined) return undefined
  if (!isOfLogin(renewal, cached))
    throw new StsCliError(
      'refresh-token-of-another-login',
      'what the keyring holds renews another login',
      {
        stage: 'config',
        hint: suggestCommand('login', profile),
      },
    )
  const clientSecret = await readExplicitSecret(settings, io)
  return obtainCredentials(
    {
      source: { grant: 'refresh-token', profile, clientSecret },
      // What is expected may have been configured since.
      exchange: { ...renewal.exchange, ...readExpectations(settings, renewal.exchange.action) },
      net: readNetOptions(settings, io),
      cache: { ...readCacheOptions(settings, io), origin },
    },
    io,
  )
}

/** Returns whether keyring and cache hold the same login: they are two stores. */
function isOfLogin({ access, exchange }: Renewal, { origin }: CachedCredentials): boolean {
  const pairs = [
    ['client-id', access.clientId],
    ['issuer', access.issuer],
    ['idp-endpoint', access.issuer === undefined ? access.tokenEndpoint : undefined],
    ['sts-endpoint', exchange.stsEndpoint],
  ] as const
  return pairs.every(([name, value]) =>
    isSameValue(name, value ?? '', getOriginText(origin, name) ?? ''),
  )
}
