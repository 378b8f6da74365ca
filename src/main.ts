/** Runs a command line: finds the command, creates its settings, runs it, and turns errors into exit codes. */
import type { Io } from './base/io.ts'
import { StsCliError } from './base/errors.ts'
import { type CommandSpec, commandTable } from './commands/options/command-table.ts'
import { loadProfile } from './commands/options/load-profile.ts'
import { checkProfile } from './commands/flow/check-profile.ts'
import { optionsOf } from './commands/options/option-table.ts'
import { parseArgv, type ParsedArgv } from './commands/options/parse-argv.ts'
import { colorChoices } from './commands/options/option-choices.ts'
import { createSettings, readChoice, type Settings } from './commands/options/settings.ts'
import { runCredentialProcess } from './commands/credential-process.ts'
import { runCreds } from './commands/creds.ts'
import { failEvaluation, runEnv } from './commands/env.ts'

/** Runs one command and returns its exit code. */
type RunCommand = (settings: Settings, io: Io) => Promise<number>

/** Loads the function of each command when it runs. The commands that shells and SDKs call often are already loaded. */
const loadCommand: Readonly<Record<CommandSpec['name'], () => Promise<RunCommand>>> = {
  login: async () => (await import('./commands/login.ts')).runLogin,
  token: async () => (await import('./commands/token.ts')).runToken,
  exchange: async () => (await import('./commands/exchange.ts')).runExchange,
  creds: async () => runCreds,
  env: async () => runEnv,
  exec: async () => (await import('./commands/exec.ts')).runExec,
  'credential-process': async () => runCredentialProcess,
  write: async () => (await import('./commands/write.ts')).runWrite,
  status: async () => (await import('./commands/status.ts')).runStatus,
  inspect: async () => (await import('./commands/inspect.ts')).runInspect,
  watch: async () => (await import('./commands/watch.ts')).runWatch,
  explain: async () => (await import('./commands/explain.ts')).runExplain,
  policy: async () => (await import('./commands/policy.ts')).runPolicy,
  logout: async () => (await import('./commands/logout.ts')).runLogout,
  doctor: async () => (await import('./commands/doctor/doctor.ts')).runDoctor,
  config: async () => (await import('./commands/config.ts')).runConfig,
  completion: async () => (await import('./commands/help/completion.ts')).runCompletion,
  serve: async () => (await import('./commands/serve/serve.ts')).runServe,
}

/** Loads the functions that print something in addition to the error when a command fails, even when its flags are wrong. */
const loadFailureHandler: Readonly<
  Partial<Record<CommandSpec['name'], () => Promise<(argv: readonly string[], io: Io) => void>>>
> = {
  env: async () => failEvaluation,
}

/**
 * Runs one command line. It never throws: an error is written to stderr.
 *
 * @param argv The arguments after Node and the script.
 * @returns The exit code.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [word = ''] = argv
  const spec = commandTable.find(({ name }) => name === word)
  try {
    if (spec !== undefined) return await runCommand(spec, argv.slice(1), io)
    const [, page] = /^--?(h|help|V|version)$/.exec(word) ?? []
    if (page !== undefined)
      return await runProgram([page.startsWith('h') ? '--help' : '--version'], io)
    return word.startsWith('-') ? await runWithoutCommand(argv, io) : await runProgram(argv, io)
  } catch (error) {
    const loadHandler = spec === undefined ? undefined : loadFailureHandler[spec.name]
    if (loadHandler !== undefined) (await loadHandler())(argv, io)
    const { printError } = await import('./commands/print-error.ts')
    return printError(error, argv, io)
  }
}

async function runCommand(spec: CommandSpec, argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseArgv(argv, optionsOf(spec.name), { isStoppingAtOperand: false })
  const withoutProfile = createSettings(parsed, io)
  checkColor(withoutProfile)
  const page = findPage(parsed)
  if (page !== undefined) return runProgram(page === '--help' ? [spec.name, page] : [page], io)
  if (spec.operands === '' && parsed.operands.length > 0)
    throw new StsCliError(
      'operands-invalid',
      `${spec.name} takes no operand, but got ${parsed.operands.length}`,
      {
        hint: `sts-cli ${spec.name} --help lists the flags`,
      },
    )
  const isCommandAccepted = spec.operands.includes('--') || spec.name === 'completion'
  if (!isCommandAccepted && parsed.command !== undefined && parsed.command.length > 0)
    throw new StsCliError('command-unexpected', `${spec.name} runs no command after --`)
  // `config` changes profiles, so it must work when a profile is not valid.
  if (spec.name === 'config') return (await loadCommand.config())(withoutProfile, io)
  const settings = createSettings(await loadProfile(parsed, io), io)
  if (spec.name !== 'login') await checkProfile(settings, io)
  return (await loadCommand[spec.name]())(settings, io)
}

/** Runs a command line with flags and without a command, which is the form of MinIO's Go sample. */
async function runWithoutCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseArgv(argv, optionsOf('quickstart'), { isStoppingAtOperand: true })
  const settings = createSettings(parsed, io)
  checkColor(settings)
  const page = findPage(parsed)
  if (page !== undefined) return runProgram([page], io)
  const { runQuickstart } = await import('./commands/quickstart.ts')
  return runQuickstart(settings, io)
}

/** Shows help or the version, or reports an unknown command. */
async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version')
    return (await import('./commands/help/print-version.ts')).printVersion(io)
  const { runHelpProgram } = await import('./commands/help/help-program.ts')
  return runHelpProgram(argv, io)
}

/** Checks `--color`, which no command reads: `print-error.ts` looks for it in argv. */
function checkColor(settings: Settings): void {
  readChoice(settings, 'color', colorChoices)
}

function findPage({ flags }: ParsedArgv): string | undefined {
  if (flags.get('help') === true) return '--help'
  return flags.get('version') === true ? '--version' : undefined
}
