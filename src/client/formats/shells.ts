/** Text for a shell to evaluate, with one quoting rule for each shell; tests prove each in the real shell. */

export const shellNames = ['sh', 'fish', 'powershell', 'cmd'] as const
export type ShellName = (typeof shellNames)[number]

interface Shell {
  set(name: string, value: string): string
  unset(name: string): string
  /** Text that makes the evaluation fail: `eval "$(failing)"` would otherwise succeed even under `set -e`. */
  readonly failure: string
}

/** Quotes a word for POSIX shells. */
export const quoteSh = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`
const quoteFish = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
// PowerShell treats typographic quotes as quotes.
const quotePowerShell = (value: string): string =>
  `'${value.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
// Inside set "N=v" only the percent sign is special to cmd, in a batch file.
const quoteCmd = (value: string): string => value.replaceAll('%', '%%').replaceAll('"', '""')

const shells: Readonly<Record<ShellName, Shell>> = {
  // Each line ends in `;` and none is a comment: an unquoted `eval $(…)` folds the lines into one.
  sh: {
    set: (name, value) => `export ${name}=${quoteSh(value)};`,
    unset: (name) => `unset ${name};`,
    failure: 'false;',
  },
  fish: {
    set: (name, value) => `set -gx ${name} ${quoteFish(value)};`,
    unset: (name) => `set -e ${name};`,
    failure: 'false;',
  },
  powershell: {
    set: (name, value) => `$Env:${name} = ${quotePowerShell(value)}`,
    unset: (name) => `Remove-Item Env:${name} -ErrorAction SilentlyContinue`,
    failure: `throw 'sts-cli failed'`,
  },
  cmd: {
    set: (name, value) => `set "${name}=${quoteCmd(value)}"`,
    unset: (name) => `set "${name}="`,
    failure: 'exit /b 1',
  },
}

/** Renders lines that set and unset variables in a shell, each with its newline. */
export function renderShellLines(
  shell: ShellName,
  set: readonly (readonly [string, string])[],
  unset: readonly string[],
): string {
  const { set: setLine, unset: unsetLine } = shells[shell]
  return [...unset.map(unsetLine), ...set.map(([name, value]) => setLine(name, value))]
    .map((line) => `${line}\n`)
    .join('')
}

/** Renders what `env` prints when it fails. */
export function renderShellFailure(shell: ShellName): string {
  return `${shells[shell].failure}\n`
}

/** Returns the shell that probably called sts-cli: PowerShell and cmd by variables that they set, others by SHELL. */
export function detectShell(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): ShellName {
  if (env['FISH_VERSION'] !== undefined || env['SHELL']?.endsWith('/fish') === true) return 'fish'
  if (platform !== 'win32') return 'sh'
  if (env['MSYSTEM'] !== undefined || env['SHELL'] !== undefined) return 'sh'
  return env['PROMPT'] === undefined ? 'powershell' : 'cmd'
}
