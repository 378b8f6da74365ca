import type { ErrorReason } from '../base/error-reasons.ts'
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { findHome } from '../client/find-user-directory.ts'
import { setProfileValue, writeConfigFile } from '../client/set-profile-value.ts'
import { type ConfigFile, readConfigFile, readConfigText } from '../client/config-file.ts'
import { chooseProfile, locateConfig } from './options/load-profile.ts'
import { previewSettings } from './flow/preview-settings.ts'
import type { OptionSpec } from './options/option-spec.ts'
import { findNearest, type FlagValue } from './options/parse-argv.ts'
import {
  findProfileOption,
  profileOptions,
  type ProfileValue,
  readProfile,
  secretKeys,
} from './options/read-profile.ts'
import { checkSecret, type SettingSource, type Settings } from './options/settings.ts'

type Verb = (call: ConfigCall, io: Io) => Promise<number>

interface ConfigCall {
  readonly settings: Settings
  readonly file: string
  readonly config: ConfigFile | undefined
  readonly operands: readonly string[]
}

const verbs: Readonly<Record<string, Verb>> = { init, path: printPath, list, get, set }

/** `config init|path|list|get|set`: prints where the profiles are and what they set, and changes them. */
export async function runConfig(settings: Settings, io: Io): Promise<number> {
  const [word = '', ...operands] = settings.operands
  const verb = Object.hasOwn(verbs, word) ? verbs[word] : undefined
  if (verb === undefined) throw subcommandError(word)
  const { file } = locateConfig(settings.parsed, io)
  if (file === undefined)
    throw new StsCliError('home-missing', 'there is no home to keep profiles in', {
      stage: 'config',
      hint: 'set HOME or STS_CLI_CONFIG',
    })
  const config = verb === printPath ? undefined : readConfigFile(file)
  return verb({ settings, file, config, operands }, io)
}

function subcommandError(word: string): StsCliError {
  const nearest = findNearest(word, Object.keys(verbs))
  return new StsCliError(
    word === '' ? 'subcommand-missing' : 'subcommand-unknown',
    word === '' ? 'config takes what to do' : `config cannot ${JSON.stringify(word)}`,
    {
      hint:
        nearest === undefined
          ? 'sts-cli config init, path, list, get or set'
          : `did you mean ${nearest}?`,
    },
  )
}

async function init({ settings, file }: ConfigCall, io: Io): Promise<number> {
  const { runConfigInit } = await import('./config-init.ts')
  return runConfigInit({ settings, file }, io)
}

async function printPath({ file }: ConfigCall, io: Io): Promise<number> {
  io.writeStdout(`${file}\n`)
  return 0
}

/** Prints the names, one a line; with `--json` the settings of each, without secrets. */
async function list({ settings, config }: ConfigCall, io: Io): Promise<number> {
  const names = [...(config?.profiles.keys() ?? [])]
  if (!settings.has('json')) {
    io.writeStdout(names.map((name) => `${name}\n`).join(''))
    return 0
  }
  const profiles = names.map((name) => [
    name,
    config === undefined ? {} : describeProfile(config, name, io),
  ])
  io.writeStdout(`${JSON.stringify(Object.fromEntries(profiles), undefined, 2)}\n`)
  return 0
}

function describeProfile(config: ConfigFile, name: string, io: Io): Record<string, FlagValue> {
  const entries = [...readProfile(config, name, findHome(io))].map(
    ([key, { value }]): [string, FlagValue] => [key, secretKeys.has(key) ? '…' : value],
  )
  return Object.fromEntries(entries)
}

/** Prints the value that a command would use; exit 1 when nothing gives it. */
async function get({ settings, config, operands }: ConfigCall, io: Io): Promise<number> {
  const [key, ...more] = operands
  if (key === undefined || more.length > 0)
    throw configUsageError('operands-invalid', 'config get takes one KEY')
  const spec = findProfileOption(key)
  if (spec === undefined) throw unknownKeyError(key)
  if (secretKeys.has(spec.name))
    throw new StsCliError('setting-secret', `a ${spec.name} is never printed`)
  const name = chooseProfile(settings.parsed, io)
  const profile = config === undefined ? undefined : readProfile(config, name, findHome(io))
  const preview = previewSettings(settings, { options: profileOptions, profile }, io)
  const source = preview.sourceOf(spec.name)
  if (source === undefined) return 1
  const isOriginShown = settings.has('origin')
  const suffix = isOriginShown ? `\t${describeSource(source, { spec, profile, io, config })}` : ''
  io.writeStdout(`${readShown(preview, spec)}${suffix}\n`)
  return 0
}

function readShown(settings: Settings, spec: OptionSpec): string {
  if (spec.kind === 'boolean') return String(settings.has(spec.name))
  if (spec.kind === 'list') return settings.list(spec.name).join(' ')
  return settings.get(spec.name) ?? ''
}

interface SourceContext {
  readonly spec: OptionSpec
  readonly profile: ReadonlyMap<string, ProfileValue> | undefined
  readonly config: ConfigFile | undefined
  readonly io: Io
}

function describeSource(
  source: SettingSource,
  { spec, profile, config, io }: SourceContext,
): string {
  const variable = (isOurs: boolean): string =>
    spec.env.find((name) => name.startsWith('STS_CLI_') === isOurs && io.env[name]) ?? ''
  switch (source) {
    case 'flag':
      return 'flag'
    case 'variable':
      return variable(true)
    case 'profile':
      return `profile ${profile?.get(spec.name)?.profile ?? ''} in ${config?.path ?? ''}`
    case 'serve':
      return 'sts-cli serve on this machine'
    case 'fallback':
      return variable(false)
    case 'default':
      return 'default'
  }
}

/** Changes one key of the profile and nothing else in the file. A secret is read from stdin or a prompt, because command lines are visible. */
async function set({ settings, file, operands }: ConfigCall, io: Io): Promise<number> {
  const [key, ...given] = operands
  if (key === undefined)
    throw configUsageError('operands-invalid', 'config set takes KEY and VALUE')
  const spec = findProfileOption(key)
  if (spec === undefined && key !== 'extends') throw unknownKeyError(key)
  const value = await readValue({ key, spec, given }, io)
  const edit = { profile: chooseProfile(settings.parsed, io), key: spec?.name ?? key, value }
  const text = setProfileValue(readConfigText(file) ?? '', edit, file)
  writeConfigFile(file, text)
  return 0
}

interface NewValue {
  readonly key: string
  readonly spec: OptionSpec | undefined
  readonly given: readonly string[]
}

async function readValue({ key, spec, given }: NewValue, io: Io): Promise<FlagValue> {
  const [text, ...more] = given
  if (spec !== undefined && secretKeys.has(spec.name)) return readSecret(spec.name, given, io)
  if (spec?.kind === 'list' && text !== undefined) return given
  if (text === undefined || more.length > 0)
    throw configUsageError('operands-invalid', `config set ${key} takes one VALUE`)
  if (spec !== undefined) checkChoice(spec, text)
  if (spec?.kind !== 'boolean') return text
  if (text === 'true' || text === 'false') return text === 'true'
  throw configUsageError('boolean-invalid', `config set ${key} takes true or false`)
}

/** Refuses a value that every command would refuse afterwards. */
function checkChoice({ name: key, choices }: OptionSpec, text: string): void {
  if (choices === undefined || choices.includes(text)) return
  throw new StsCliError('choice-invalid', `${key} cannot be ${JSON.stringify(text)}`, {
    hint: `use ${choices.join(', ')}`,
  })
}

async function readSecret(name: string, given: readonly string[], io: Io): Promise<string> {
  if (given.length > 1 || (given[0] !== undefined && given[0] !== '-'))
    throw new StsCliError('secret-on-command-line', `a ${name} does not belong on a command line`, {
      hint: `sts-cli config set ${name} - reads it from stdin; without the - it is asked for`,
    })
  if (given[0] === '-') return checkSecret((await io.readStdin(64 * 1024)).trim(), name)
  if (io.askSecret === undefined)
    throw configUsageError('terminal-missing', `there is no terminal to ask for the ${name} at`)
  return checkSecret(await io.askSecret(`${name}: `), name)
}

function unknownKeyError(key: string): StsCliError {
  const nearest = findNearest(
    key,
    profileOptions.map(({ name }) => name),
  )
  return new StsCliError('setting-unknown', `the key ${JSON.stringify(key)} is not known`, {
    hint: nearest === undefined ? 'keys are the long names of flags' : `did you mean ${nearest}?`,
  })
}

function configUsageError(reason: ErrorReason, message: string): StsCliError {
  return new StsCliError(reason, message, { hint: 'sts-cli config --help has examples' })
}
