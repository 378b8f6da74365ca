/** Checks that a profile exists: a misspelt name must not become somebody else's credentials. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import { existsSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { hasCacheFile, listCachedProfiles } from '../../client/credential-cache.ts'
import { suggestCommand } from '../hints/suggest-command.ts'
import { locateConfig } from '../options/load-profile.ts'
import { findNearest } from '../options/parse-argv.ts'
import type { Settings } from '../options/settings.ts'

/**
 * Refuses a profile that is neither configured nor cached. `default` always exists; commands without `--profile` have none.
 *
 * @throws {StsCliError} `ERR_CONFIG` (78) naming the nearest profile, or those that exist.
 */
export async function checkProfile(settings: Settings, io: Io): Promise<void> {
  const { parsed } = settings
  if (!parsed.specs.has('profile')) return
  const name = settings.get('profile') ?? 'default'
  if (name === 'default' || parsed.configuredProfiles?.includes(name) === true) return
  const directory = findUserDirectory('cache', io)
  if (directory !== undefined && hasCacheFile(directory, name)) return
  const configured = parsed.configuredProfiles ?? (await readConfiguredProfiles(settings, io))
  if (configured.includes(name)) return
  const cached = directory === undefined ? [] : listCachedProfiles(directory)
  throw new StsCliError(
    'profile-unknown',
    `there is no profile ${JSON.stringify(name)}: it is neither configured nor cached`,
    { stage: 'config', hint: suggest(name, [...new Set([...configured, ...cached])]) },
  )
}

/** Reads the names for commands that take nothing else from a configuration. */
async function readConfiguredProfiles({ parsed }: Settings, io: Io): Promise<string[]> {
  const { file } = locateConfig(parsed, io)
  if (file === undefined || !existsSync(file)) return []
  const { readConfigFile } = await import('../../client/config-file.ts')
  return [...(readConfigFile(file)?.profiles.keys() ?? [])]
}

function suggest(name: string, profiles: readonly string[]): string {
  const similar = findNearest(name, profiles)
  const login = `${suggestCommand('login', name)} creates it`
  if (similar !== undefined) return `did you mean ${similar}? (${login})`
  const shown = profiles.filter((profile) => /^[\w.@-]+$/.test(profile)).slice(0, 10)
  return shown.length === 0 ? login : `there are ${shown.join(', ')} (${login})`
}

/** Returns the configured profile that a login to an unknown name may mean; undefined where the name is known, or none is similar. */
export function findSimilarProfile(settings: Settings): string | undefined {
  const name = settings.get('profile') ?? 'default'
  const { configuredProfiles = [] } = settings.parsed
  if (name === 'default' || configuredProfiles.includes(name)) return undefined
  return findNearest(name, configuredProfiles)
}
