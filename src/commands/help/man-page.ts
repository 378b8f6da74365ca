/** The manual page, sts-cli(1), from the same tables as the help. Rendered when the package is built. */
import { exitCodes } from '../../base/error-reasons.ts'
import { type CommandSpec, commandTable } from '../options/command-table.ts'
import type { OptionSpec } from '../options/option-spec.ts'
import { optionTable } from '../options/option-table.ts'

/** Renders the page in roff, by the macros of man(7). @param version The package's. */
export function renderManPage(version: string): string {
  return [
    `.TH STS-CLI 1 "" "sts-cli ${version}" "User Commands"`,
    '.SH NAME',
    'sts-cli \\- temporary S3 credentials from your own identity provider',
    '.SH SYNOPSIS',
    ...renderLines([
      'sts-cli COMMAND [FLAGS]',
      'sts-cli -cid ID -csec SECRET [-sts-ep URL] [-idp-ep URL] [--no-upload]',
    ]),
    '.SH DESCRIPTION',
    escape(
      'Gets a token from an identity provider, trades it at an STS, and prints, exports, runs with and renews the temporary credentials. serve is the matching server. Flags take one dash or two, =VALUE or VALUE. A flag wins over a variable, a variable over the profile.',
    ),
    '.SH COMMANDS',
    ...commandTable.flatMap(renderCommand),
    '.SH FLAGS',
    ...optionTable.flatMap(renderOption),
    '.SH EXIT STATUS',
    escape(
      `0 done; ${Object.entries(exitCodes)
        .map(([code, number]) => `${number} ${describeCode(code)}`)
        .join(
          '; ',
        )}; 126, 127 the command of exec cannot be run or is not there, else its own; 130, 143 interrupted.`,
    ),
    '.SH FILES',
    ...renderTerm('~/.config/sts-cli/config.toml', 'profiles ($XDG_CONFIG_HOME)'),
    ...renderTerm(
      '~/.cache/sts-cli/',
      'what login remembers: temporary credentials, 0600 ($XDG_CACHE_HOME)',
    ),
    ...renderTerm('~/.local/state/sts-cli/', 'where a running serve is found ($XDG_STATE_HOME)'),
    '',
  ].join('\n')
}

function renderCommand({ name, operands, summary, examples }: CommandSpec): string[] {
  const term = renderTerm(`sts-cli ${name} ${operands}`.trim(), summary)
  return [...term, '.RS', ...renderLines(examples), '.RE']
}

function renderOption(spec: OptionSpec): string[] {
  const names = [...spec.aliases.map((alias) => `-${alias}`), `--${spec.name}`].join(', ')
  const notes = [
    spec.description,
    ...(spec.choices === undefined ? [] : [`One of ${spec.choices.join(', ')}`]),
    ...(spec.default === undefined ? [] : [`Default ${spec.default}`]),
    ...(spec.env.length === 0 ? [] : [`Variables ${spec.env.join(', ')}`]),
    `Commands: ${spec.commands.map((name) => (name === 'quickstart' ? 'none' : name)).join(', ')}`,
  ]
  return renderTerm(
    spec.placeholder === undefined ? names : `${names} ${spec.placeholder}`,
    `${notes.join('. ')}.`,
  )
}

function renderTerm(term: string, text: string): string[] {
  return ['.TP', `.B ${escape(term)}`, escape(text)]
}

/** Renders lines without filling them. */
function renderLines(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map(escape), '.fi']
}

function describeCode(code: string): string {
  return code.replace('ERR_', '').replaceAll('_', ' ').toLowerCase()
}

/** Escapes backslashes and hyphens for roff, and a first character that would begin a request. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
}
