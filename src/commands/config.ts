import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { findHome } from '../client/config-path.ts'
import { setProfileValue, writeConfigFile } from '../client/edit-profile.ts'
import { type ConfigFile, readConfigFile, readConfigText } from '../client/config-file.ts'
import { chooseProfile, locateConfig } from './options/load-profile.ts'
import { withRunningServe } from './flow/with-serve-defaults.ts'
import type { OptionSpec } from './options/option-spec.ts'
import { findNearest, type FlagValue, type ParsedArgv } from './options/parse-argv.ts'
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
  readonly parsed: ParsedArgv
  readonly file: string
  readonly config: ConfigFile | undefined
  readonly operands: readonly string[]
}

const verbs: Readonly<Record<string, Verb>> = { init, path: printPath, list, get, set }

/** `config init|path|list|get|set`: where the profiles are, what they say and why, and how to change it. */
export async function runConfig(parsed: ParsedArgv, io: Io): Promise<number> {
  const [word = '', ...operands] = parsed.operands
  const verb = Object.hasOwn(verbs, word) ? verbs[word] : undefined
  if (verb === undefined) throw unknownVerb(word)
  const { file } = locateConfig(parsed, io)
  if (file === undefined)
    throw new StsCliError('ERR_CONFIG', 'there is no home to keep profiles in', {
      stage: 'config',
      hint: 'set HOME or STS_CLI_CONFIG',
    })
  const config = verb === printPath ? undefined : readConfigFile(file)
  return verb({ parsed, file, config, operands }, io)
}

function unknownVerb(word: string): StsCliError {
  const nearest = findNearest(word, Object.keys(verbs))
  return new StsCliError(
    'ERR_USAGE',
    word === '' ? 'config takes what to do' : `config cannot ${JSON.stringify(word)}`,
    {
      hint:
        nearest === undefined
          ? 'sts-cli config init, path, list, get or set'
          : `did you mean ${nearest}?`,
    },
  )
}

async function init({ parsed, file }: ConfigCall, io: Io): Promise<number> {
  const { initProfile } = await import('./config-init.ts')
  return initProfile({ parsed, file }, io)
}

async function printPath({ file }: ConfigCall, io: Io): Promise<number> {
  io.writeStdout(`${file}\n`)
  return 0
}

/** The names, one a line; with `--json` what each says, secrets left out. */
async function list({ parsed, config }: ConfigCall, io: Io): Promise<number> {
  const names = [...(config?.profiles.keys() ?? [])]
  if (parsed.flags.get('json') !== true) {
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

/** What a command would take for a setting; exit 1 when nothing gives it. */
async function get({ parsed, config, operands }: ConfigCall, io: Io): Promise<number> {
  const [key, ...more] = operands
  if (key === undefined || more.length > 0) throw usage('config get takes one KEY')
  const spec = findProfileOption(key)
  if (spec === undefined) throw unknownKey(key)
  if (secretKeys.has(spec.name))
    throw new StsCliError('ERR_USAGE', `a ${spec.name} is never printed`)
  const profile =
    config === undefined ? undefined : readProfile(config, chooseProfile(parsed, io), findHome(io))
  const specs = new Map(profileOptions.map((option) => [option.name, option]))
  const settings = withRunningServe({ ...parsed, specs, profile }, io)
  const place = settings.sourceOf(spec.name)
  if (place === undefined) return 1
  const origin = parsed.flags.get('origin') === true
  const suffix = origin ? `\t${describePlace(place, { spec, profile, io, config })}` : ''
  io.writeStdout(`${readShown(settings, spec)}${suffix}\n`)
  return 0
}

function readShown(settings: Settings, spec: OptionSpec): string {
  if (spec.kind === 'boolean') return String(settings.has(spec.name))
  if (spec.kind === 'list') return settings.list(spec.name).join(' ')
  return settings.get(spec.name) ?? ''
}

interface Origin {
  readonly spec: OptionSpec
  readonly profile: ReadonlyMap<string, ProfileValue> | undefined
  readonly config: ConfigFile | undefined
  readonly io: Io
}

function describePlace(place: SettingSource, { spec, profile, config, io }: Origin): string {
  const variable = (isOurs: boolean): string =>
    spec.env.find((name) => name.startsWith('STS_CLI_') === isOurs && io.env[name]) ?? ''
  switch (place) {
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

/** Changes one key of the profile, and nothing else of the file. A secret is read from stdin or asked for: a command line is no place for one. */
async function set({ parsed, file, operands }: ConfigCall, io: Io): Promise<number> {
  const [key, ...given] = operands
  if (key === undefined) throw usage('config set takes KEY and VALUE')
  const spec = findProfileOption(key)
  if (spec === undefined && key !== 'extends') throw unknownKey(key)
  const value = await readValue({ key, spec, given }, io)
  const edit = { profile: chooseProfile(parsed, io), key: spec?.name ?? key, value }
  const text = setProfileValue(readConfigText(file) ?? '', edit, file)
  writeConfigFile(file, text)
  return 0
}

interface Wanted {
  readonly key: string
  readonly spec: OptionSpec | undefined
  readonly given: readonly string[]
}

async function readValue({ key, spec, given }: Wanted, io: Io): Promise<FlagValue> {
  const [text, ...more] = given
  if (spec !== undefined && secretKeys.has(spec.name)) return readSecret(spec.name, given, io)
  if (spec?.kind === 'list' && text !== undefined) return given
  if (text === undefined || more.length > 0) throw usage(`config set ${key} takes one VALUE`)
  if (spec !== undefined) checkChoice(spec, text)
  if (spec?.kind !== 'boolean') return text
  if (text === 'true' || text === 'false') return text === 'true'
  throw usage(`config set ${key} takes true or false`)
}

/** What every command would refuse afterwards is not written down. */
function checkChoice({ name: key, choices }: OptionSpec, text: string): void {
  if (choices === undefined || choices.includes(text)) return
  throw new StsCliError('ERR_USAGE', `${key} cannot be ${JSON.stringify(text)}`, {
    hint: `use ${choices.join(', ')}`,
  })
}

async function readSecret(name: string, given: readonly string[], io: Io): Promise<string> {
  if (given.length > 1 || (given[0] !== undefined && given[0] !== '-'))
    throw new StsCliError('ERR_USAGE', `a ${name} does not belong on a command line`, {
      hint: `sts-cli config set ${name} - reads it from stdin; without the - it is asked for`,
    })
  if (given[0] === '-') return checkSecret((await io.readStdin(64 * 1024)).trim(), name)
  if (io.askSecret === undefined) throw usage(`there is no terminal to ask for the ${name} at`)
  return checkSecret(await io.askSecret(`${name}: `), name)
}

function unknownKey(key: string): StsCliError {
  const nearest = findNearest(
    key,
    profileOptions.map(({ name }) => name),
  )
  return new StsCliError('ERR_USAGE', `the key ${JSON.stringify(key)} is not known`, {
    hint: nearest === undefined ? 'keys are the long names of flags' : `did you mean ${nearest}?`,
  })
}

function usage(message: string): StsCliError {
  return new StsCliError('ERR_USAGE', message, { hint: 'sts-cli config --help has examples' })
}
