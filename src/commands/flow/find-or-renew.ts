/** What `creds`, `env`, `exec` and `credential-process` share: the remembered credentials, renewed when they are about to expire and that can be done without asking. */
import type { Io } from '../../base/io.ts'
import {
  findCacheDirectory,
  readCachedCredentials,
  type CachedCredentials,
} from '../../client/credential-cache.ts'
import { findUsable } from '../../client/find-usable.ts'
import { findMismatch, hasOtherFlags } from './find-mismatch.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { cacheKinds } from '../options/option-choices.ts'
import { createSettings, readChoice, readSeconds } from '../options/settings.ts'

/** What is in the cache for the profile; undefined where there is nothing, or the cache is switched off. Loads neither HTTP, XML nor JWT code. */
export function findCached(parsed: ParsedArgv, io: Io): CachedCredentials | undefined {
  const settings = createSettings(parsed, io)
  const directory = findCacheDirectory(io.env, io.platform)
  if (readChoice(settings, 'cache', cacheKinds) === 'none' || directory === undefined)
    return undefined
  return readCachedCredentials(directory, settings.get('profile') ?? 'default')
}

/**
 * Cached credentials while they are good, else new ones from the same endpoint, client and options, as long as nobody has to be asked. Flags and
 * variables that name another endpoint or client get credentials from there, or none; those in the cache stay.
 *
 * @param minTtlSeconds In place of `--min-ttl`.
 * @throws {StsCliError} `ERR_REFUSED` (77) when there are none and they cannot be had without asking, or the profile's configuration now names
 *   another endpoint or client than the cached ones are from.
 */
export async function findOrRenew(
  parsed: ParsedArgv,
  io: Io,
  minTtlSeconds?: number,
): Promise<CachedCredentials> {
  const settings = createSettings(parsed, io)
  const minTtl = minTtlSeconds ?? readSeconds(settings, 'min-ttl')
  const cached = findCached(parsed, io)
  if (cached !== undefined && isUndisputed(cached, parsed, io)) {
    const usable = settings.has('refresh') ? undefined : findUsable(cached, io.nowMs(), minTtl)
    if (usable !== undefined && usable.isInKeyring !== true) return usable
    const { withKeyringSecrets } = await import('../../client/flow/obtain-credentials.ts')
    const whole = usable === undefined ? undefined : await withKeyringSecrets(usable, io)
    if (whole !== undefined) return whole
  }
  const { renewCredentials } = await import('./renew-credentials.ts')
  return renewCredentials({ cached, parsed, minTtlSeconds: minTtl }, io)
}

/** Whether nothing that is said now speaks of other credentials, or of other options. */
function isUndisputed({ origin }: CachedCredentials, parsed: ParsedArgv, io: Io): boolean {
  return findMismatch(origin, parsed, io) === undefined && !hasOtherFlags(origin, parsed, io)
}
