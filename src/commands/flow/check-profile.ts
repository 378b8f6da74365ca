/** Whether there is such a profile: a misspelt name must not become somebody else's credentials. */
import { existsSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import {
  findCacheDirectory,
  hasCacheFile,
  listCachedProfiles,
} from '../../client/credential-cache.ts'
import { ownCommand } from '../../client/own-command.ts'
import { locateConfig } from '../options/load-profile.ts'
import { findNearest, type ParsedArgv } from '../options/parse-argv.ts'
import { createSettings } from '../options/settings.ts'

/**
 * Refuses a profile that is neither configured nor cached. `default` is always there; commands without `--profile` have none.
 *
 * @throws {StsCliError} `ERR_CONFIG` (78) naming the nearest profile, or those that there are.
 */
export async function checkProfile(parsed: ParsedArgv, io: Io): Promise<void> {
  if (!parsed.specs.has('profile')) return
  const name = createSettings(parsed, io).get('profile') ?? 'default'
  if (name === 'default' || parsed.configuredProfiles?.includes(name) === true) return
  const directory = findCacheDirectory(io.env, io.platform)
  if (directory !== undefined && hasCacheFile(directory, name)) return
  const configured = parsed.configuredProfiles ?? (await readConfiguredProfiles(parsed, io))
  if (configured.includes(name)) return
  const cached = directory === undefined ? [] : listCachedProfiles(directory)
  throw new StsCliError(
    'ERR_CONFIG',
    `there is no profile ${JSON.stringify(name)}: it is neither configured nor cached`,
    { stage: 'config', hint: suggest(name, [...new Set([...configured, ...cached])]) },
  )
}

/** For commands that take nothing else from a configuration. */
async function readConfiguredProfiles(parsed: ParsedArgv, io: Io): Promise<string[]> {
  const { file } = locateConfig(parsed, io)
  if (file === undefined || !existsSync(file)) return []
  const { readConfigFile } = await import('../../client/config-file.ts')
  return [...(readConfigFile(file)?.profiles.keys() ?? [])]
}

function suggest(name: string, profiles: readonly string[]): string {
  const similar = findNearest(name, profiles)
  const login = `${ownCommand('login', name)} creates it`
  if (similar !== undefined) return `did you mean ${similar}? (${login})`
  const shown = profiles.filter((profile) => /^[\w.@-]+$/.test(profile)).slice(0, 10)
  return shown.length === 0 ? login : `there are ${shown.join(', ')} (${login})`
}

/** For a login that may go to a misspelt name: the configured profile that may be meant. */
export function findSimilarProfile(parsed: ParsedArgv, io: Io): string | undefined {
  const name = createSettings(parsed, io).get('profile') ?? 'default'
  const { configuredProfiles = [] } = parsed
  if (name === 'default' || configuredProfiles.includes(name)) return undefined
  return findNearest(name, configuredProfiles)
}
