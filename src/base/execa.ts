/** The door to execa: commands of the user's, with their signals and exit codes. */
import { constants } from 'node:os'
import { execa, ExecaError } from 'execa'
import { StsCliError } from './errors.ts'

/**
 * Runs a command line in the shell and gives what it prints, trimmed; it may ask on the terminal.
 *
 * @param flag Whose value it is, for the message.
 * @throws {StsCliError} `ERR_INPUT` when it fails; its output is left out, it may hold the secret.
 */
export async function readSecretCommand(commandLine: string, flag: string): Promise<string> {
  try {
    const { stdout } = await execa(commandLine, {
      shell: true,
      stdin: 'inherit',
      stderr: 'inherit',
      maxBuffer: 64 * 1024,
      timeout: 60_000,
    })
    return stdout.trim()
  } catch (cause) {
    const how =
      cause instanceof ExecaError
        ? ` (${cause.exitCode === undefined ? (cause.signal ?? 'it cannot be run') : `exit code ${cause.exitCode}`})`
        : ''
    throw new StsCliError('ERR_INPUT', `the command of ${flag} failed${how}`, {
      stage: 'config',
    })
  }
}

export interface RunChildOptions {
  readonly argv: readonly string[]
  /** All of it: nothing is inherited besides. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted: the child gets the same signal, by its reason. */
  readonly signal: AbortSignal
  /** The terminal sends Ctrl-C to the child as well: then it is not sent a second time. */
  readonly isTerminalShared: boolean
}

/**
 * Runs a program on our own terminal until it ends.
 *
 * @returns Its exit code; 128 + n where a signal ended it. `failure` is set where it never ran: 127 for no such program, 126 for one that cannot be run.
 */
export async function runChild(
  options: RunChildOptions,
): Promise<{ exitCode: number; failure?: string }> {
  const { signal } = options
  const [file = '', ...rest] = options.argv
  const child = execa(file, rest, {
    env: options.env,
    extendEnv: false,
    stdio: 'inherit',
    reject: false,
  })
  const forward = (): void => {
    const name = signal.reason as NodeJS.Signals
    if (name !== 'SIGINT' || !options.isTerminalShared) child.kill(name)
  }
  signal.addEventListener('abort', forward)
  try {
    const result = await child
    if (result.exitCode !== undefined) return { exitCode: result.exitCode }
    if (result.signal !== undefined) return { exitCode: 128 + constants.signals[result.signal] }
    return result.code === 'ENOENT'
      ? { exitCode: 127, failure: `there is no program ${file}` }
      : { exitCode: 126, failure: `${file} cannot be run (${result.code ?? 'unknown reason'})` }
  } finally {
    signal.removeEventListener('abort', forward)
  }
}
