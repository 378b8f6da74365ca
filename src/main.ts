/** argv → exit code. The command line's only catch. */
import type { Io } from './base/io.ts'
import { StsCliError } from './base/errors.ts'
import { type CommandSpec, commandTable } from './commands/options/command-table.ts'
import { loadProfile } from './commands/options/load-profile.ts'
import { checkProfile } from './commands/flow/check-profile.ts'
import { optionsOf } from './commands/options/option-table.ts'
import { parseArgv, type ParsedArgv } from './commands/options/parse-argv.ts'
import { colorChoices } from './commands/options/option-choices.ts'
import { createSettings, readChoice } from './commands/options/settings.ts'
import { loadCommand, loadOnFailure } from './commands/load-command.ts'

/**
 * Runs one command line.
 *
 * @param argv Without Node and the script.
 * @returns The exit code; whatever went wrong has been said on stderr.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [word = ''] = argv
  const spec = commandTable.find(({ name }) => name === word)
  try {
    if (spec !== undefined) return await runCommand(spec, argv.slice(1), io)
    const [, page] = /^--?(h|help|V|version)$/.exec(word) ?? []
    if (page !== undefined)
      return await runProgram([page.startsWith('h') ? '--help' : '--version'], io)
    return word.startsWith('-') ? await runFlagsAlone(argv, io) : await runProgram(argv, io)
  } catch (error) {
    const explain = spec === undefined ? undefined : loadOnFailure[spec.name]
    if (explain !== undefined) (await explain())(argv, io)
    const { printError } = await import('./commands/print-error.ts')
    return printError(error, argv, io)
  }
}

async function runCommand(spec: CommandSpec, argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseArgv(argv, optionsOf(spec.name), { isStoppingAtOperand: false })
  checkColor(parsed, io)
  const page = findPage(parsed)
  if (page !== undefined) return runProgram(page === '--help' ? [spec.name, page] : [page], io)
  if (spec.operands === '' && parsed.operands.length > 0)
    throw new StsCliError(
      'ERR_USAGE',
      `${spec.name} takes no operand, but got ${parsed.operands.length}`,
      {
        hint: `sts-cli ${spec.name} --help lists the flags`,
      },
    )
  const isCommandTaken = spec.operands.includes('--') || spec.name === 'completion'
  if (!isCommandTaken && parsed.command !== undefined && parsed.command.length > 0)
    throw new StsCliError('ERR_USAGE', `${spec.name} runs no command after --`)
  // What changes profiles must work where one of them is broken.
  const complete = spec.name === 'config' ? parsed : await loadProfile(parsed, io)
  if (spec.name !== 'login' && spec.name !== 'config') await checkProfile(complete, io)
  return (await loadCommand[spec.name]())(complete, io)
}

/** The form of the Go sample: flags and no command. */
async function runFlagsAlone(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseArgv(argv, optionsOf('drop-in'), { isStoppingAtOperand: true })
  checkColor(parsed, io)
  const page = findPage(parsed)
  if (page !== undefined) return runProgram([page], io)
  const { runQuickstart } = await import('./commands/quickstart.ts')
  return runQuickstart(parsed, io)
}

async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version')
    return (await import('./commands/help/print-version.ts')).printVersion(io)
  const { runHelpProgram } = await import('./commands/help/help-program.ts')
  return runHelpProgram(argv, io)
}

/** The one flag that no command reads: what prints errors looks for it in argv as it stands. */
function checkColor(parsed: ParsedArgv, io: Io): void {
  readChoice(createSettings(parsed, io), 'color', colorChoices)
}

function findPage({ flags }: ParsedArgv): string | undefined {
  if (flags.get('help') === true) return '--help'
  return flags.get('version') === true ? '--version' : undefined
}
