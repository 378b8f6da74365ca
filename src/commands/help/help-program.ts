/** The adapter of commander: the tree of commands, the help pages, the version, and the error for an unknown command. */
import { Command, CommanderError, Option } from 'commander'
import manifest from '../../../package.json' with { type: 'json' }
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { commandTable } from '../options/command-table.ts'
import type { OptionSpec } from '../options/option-spec.ts'
import { optionsOf } from '../options/option-table.ts'
import { findNearest } from '../options/parse-argv.ts'

const overview = `Without a command, sts-cli is the client of the quickstart: it logs in, prints, and uploads.

  sts-cli -cid ID -csec SECRET [-sts-ep URL] [-idp-ep URL] [--no-upload]

One dash or two, =VALUE or VALUE: all the same. «sts-cli help COMMAND» has each command's flags.`

/**
 * Answers `--help`, `help COMMAND`, `--version` and unknown commands.
 *
 * @throws {StsCliError} `ERR_USAGE` for an unknown command, with the nearest as the hint.
 */
export function runHelpProgram(argv: readonly string[], io: Io): number {
  const program = buildProgram(argv, io)
  try {
    if (argv.length === 0) program.outputHelp()
    else program.parse(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    const unknown = argv.find((word) => word !== 'help' && !word.startsWith('-')) ?? ''
    const nearest = findNearest(
      unknown,
      commandTable.map(({ name }) => name),
    )
    throw new StsCliError('command-unknown', `there is no command ${JSON.stringify(unknown)}`, {
      hint:
        nearest === undefined ? 'sts-cli --help lists the commands' : `did you mean ${nearest}?`,
      cause: error,
    })
  }
}

/** Builds the tree. Only the command whose page is asked for gets its flags: they are most of the work. */
function buildProgram(argv: readonly string[], io: Io): Command {
  const program = new Command('sts-cli')
    .description(
      'Temporary S3 credentials from your own identity provider, and the server that issues them.',
    )
    .usage('COMMAND [FLAGS]')
    .helpCommand('help [COMMAND]', 'the page of a command')
    .helpOption('-h, --help', 'this page')
    .version(manifest.version, '-V, --version', 'the version')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText('after', `\n${overview}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.writeStdout(text),
      // Errors are thrown, and printed where all errors are.
      writeErr: () => {},
    })
  for (const { name, operands, summary, examples } of commandTable) {
    const command = program
      .command(name)
      .description(summary)
      .usage(`[FLAGS]${operands === '' ? '' : ` ${operands}`}`)
      .copyInheritedSettings(program)
      .helpOption(false)
      .configureHelp({ optionTerm: describeTerm })
      .addHelpText('before', `Examples:\n${examples.map((line) => `  ${line}`).join('\n')}\n`)
    if (argv.includes(name)) for (const spec of optionsOf(name)) command.addOption(toOption(spec))
    command.on('option:help', () => command.help())
  }
  return program
}

function toOption(spec: OptionSpec): Option {
  const value = spec.kind === 'boolean' ? '' : ` <${spec.placeholder ?? ''}>`
  const notes = [
    ...(spec.default === undefined ? [] : [`default ${spec.default}`]),
    ...(spec.env.length === 0 ? [] : spec.env),
  ]
  const description =
    notes.length === 0 ? spec.description : `${spec.description} (${notes.join('; ')})`
  const option = new Option(`--${spec.name}${value}`, description).helpGroup(`${spec.group}:`)
  aliasesOf.set(option, spec)
  return option
}

const aliasesOf = new WeakMap<Option, OptionSpec>()

/** Renders `-cid, --client-id ID`: commander itself refuses short flags of several letters. */
function describeTerm(option: Option): string {
  const spec = aliasesOf.get(option)
  if (spec === undefined) return option.flags
  const names = [...spec.aliases.map((alias) => `-${alias}`), `--${spec.name}`]
  return `${names.join(', ')}${spec.placeholder === undefined ? '' : ` ${spec.placeholder}`}`
}
