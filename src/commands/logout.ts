import type { Io } from '../base/io.ts'
import { findCacheDirectory, forgetRemembered, readRemembered } from '../client/credential-cache.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { createSettings } from './settings.ts'

/** `logout`: forgets a profile's credentials and what renews them; nothing to forget is no error. */
export async function runLogout(parsed: ParsedArgv, io: Io): Promise<number> {
  const profile = createSettings(parsed, io).get('profile') ?? 'default'
  const directory = findCacheDirectory(io.env, io.platform)
  const wasRenewable =
    directory !== undefined && readRemembered(directory, profile)?.isRenewable === true
  if (directory !== undefined) forgetRemembered(directory, profile)
  if (wasRenewable) {
    const { forgetRenewal } = await import('../client/renewals.ts')
    await forgetRenewal(await io.openKeyring?.(), profile)
  }
  return 0
}
