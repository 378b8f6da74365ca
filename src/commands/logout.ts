import type { Io } from '../base/io.ts'
import { findCacheDirectory, forgetRemembered } from '../client/credential-cache.ts'
import type { ParsedArgv } from './parse-argv.ts'
import { createSettings } from './settings.ts'

/** `logout`: forgets a profile's credentials; nothing to forget is no error. */
export async function runLogout(parsed: ParsedArgv, io: Io): Promise<number> {
  const settings = createSettings(parsed, io)
  const directory = findCacheDirectory(io.env, io.platform)
  if (directory !== undefined) forgetRemembered(directory, settings.get('profile') ?? 'default')
  return 0
}
