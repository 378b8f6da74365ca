/** The cached credentials for `creds`, `env`, `exec`, `credential-process` and `write`: renewed when they are about to expire, if nobody has to be asked. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import type { Io } from '../../base/io.ts'
import { readCachedCredentials, type CachedCredentials } from '../../client/credential-cache.ts'
import { findUsable } from '../../client/find-usable.ts'
import { findMismatch, hasOtherExpectations, hasOtherFlags } from './find-mismatch.ts'
import { cacheKinds } from '../options/option-choices.ts'
import { readChoice, readSeconds, type Settings } from '../options/settings.ts'

/** Returns what is cached for the profile; undefined where there is nothing, or the cache is switched off. Loads no HTTP, XML or JWT code. */
export function findCached(settings: Settings, io: Io): CachedCredentials | undefined {
  const directory = findUserDirectory('cache', io)
  if (readChoice(settings, 'cache', cacheKinds) === 'none' || directory === undefined)
    return undefined
  return readCachedCredentials(directory, settings.get('profile') ?? 'default')
}

/**
 * Returns cached credentials while they are usable, else new ones from the same endpoint, client and options, as long as nobody has to be asked.
 * Flags and variables that name another endpoint or client get credentials from there, or none; those in the cache stay.
 *
 * @param minTtlSeconds Replaces `--min-ttl`.
 * @throws {StsCliError} `ERR_REFUSED` (77) when there are none and somebody would have to be asked, or when the profile now names another
 *   endpoint or client than the cached ones are from.
 */
export async function findOrRenew(
  settings: Settings,
  io: Io,
  minTtlSeconds?: number,
): Promise<CachedCredentials> {
  const minTtl = minTtlSeconds ?? readSeconds(settings, 'min-ttl')
  const cached = findCached(settings, io)
  if (cached !== undefined && isMatching(cached, settings)) {
    const usable = settings.has('refresh') ? undefined : findUsable(cached, io.nowMs(), minTtl)
    if (usable !== undefined && usable.isInKeyring !== true) return usable
    const { withKeyringSecrets } = await import('../../client/flow/obtain-credentials.ts')
    const whole = usable === undefined ? undefined : await withKeyringSecrets(usable, io)
    if (whole !== undefined) return whole
  }
  const { renewCredentials } = await import('./renew-credentials.ts')
  return renewCredentials({ cached, settings, minTtlSeconds: minTtl }, io)
}

/** Returns whether no setting names other credentials or other options. */
function isMatching({ origin }: CachedCredentials, settings: Settings): boolean {
  return (
    findMismatch(origin, settings) === undefined &&
    !hasOtherFlags(origin, settings) &&
    !hasOtherExpectations(origin, settings)
  )
}
