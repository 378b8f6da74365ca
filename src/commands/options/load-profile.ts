import { existsSync } from 'node:fs'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { findConfigPath, findHome } from '../../client/find-user-directory.ts'
import type { ParsedArgv } from './parse-argv.ts'

export interface ConfigLocation {
  /** Undefined where there is no home. */
  readonly file: string | undefined
  /** True when the user named it: then it must exist. */
  readonly isNamed: boolean
}

/** Returns where the configuration is: `--config`, `STS_CLI_CONFIG`, else the user's own. */
export function locateConfig({ flags }: Pick<ParsedArgv, 'flags'>, io: Io): ConfigLocation {
  const flag = flags.get('config')
  const named = typeof flag === 'string' ? flag : io.env['STS_CLI_CONFIG']
  if (named !== undefined && named !== '') return { file: named, isNamed: true }
  return { file: findConfigPath(io), isNamed: false }
}

/** Returns the profile's name: `--profile`, `STS_CLI_PROFILE`, else `default`. */
export function chooseProfile({ flags }: Pick<ParsedArgv, 'flags'>, io: Io): string {
  const flag = flags.get('profile')
  return typeof flag === 'string' ? flag : io.env['STS_CLI_PROFILE'] || 'default'
}

/**
 * Returns a command line with its profile's settings beside its flags, for the commands that take `--config`. The TOML reader is loaded only
 * where there is a file.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a file or a profile that is not valid; `ERR_INPUT` for a named file that does not exist.
 */
export async function loadProfile(parsed: ParsedArgv, io: Io): Promise<ParsedArgv> {
  if (!parsed.specs.has('config')) return parsed
  const { file, isNamed } = locateConfig(parsed, io)
  if (file === undefined || (!isNamed && !existsSync(file))) return parsed
  const { readConfigFile } = await import('../../client/config-file.ts')
  const config = readConfigFile(file)
  if (config === undefined)
    throw new StsCliError('config-file-missing', `there is no configuration ${file}`, {
      stage: 'config',
    })
  const { readProfile } = await import('./read-profile.ts')
  const name = chooseProfile(parsed, io)
  return {
    ...parsed,
    profile: readProfile(config, name, findHome(io)),
    configuredProfiles: [...config.profiles.keys()],
  }
}
