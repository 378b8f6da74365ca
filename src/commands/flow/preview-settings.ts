import type { Io } from '../../base/io.ts'
import type { OptionSpec } from '../options/option-spec.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { createSettings, type Settings } from '../options/settings.ts'
import { withRunningServe } from './with-serve-defaults.ts'

export interface Preview {
  /** The options of the command that would run. */
  readonly options: readonly OptionSpec[]
  /** The profile that it would use. */
  readonly profile: ParsedArgv['profile']
}

/** Returns the settings that another command would have: `config` shows them, and tries them out. */
export function previewSettings(
  settings: Settings,
  { options, profile }: Preview,
  io: Io,
): Settings {
  const specs = new Map(options.map((option) => [option.name, option]))
  return withRunningServe(createSettings({ ...settings.parsed, specs, profile }, io), io)
}
