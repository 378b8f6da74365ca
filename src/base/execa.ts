/** The door to execa: a shell command that prints a secret, and programs on Windows. */
import { execa, ExecaError } from 'execa'
import { StsCliError } from './errors.ts'
import type { StartedChild } from './run-child.ts'

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

/** A program on our own terminal, found as Windows finds it: with the endings of PATHEXT, scripts among them. */
export function startByExeca(
  [file = '', ...rest]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StartedChild {
  const child = execa(file, rest, { env, extendEnv: false, stdio: 'inherit', reject: false })
  return { kill: (name) => void child.kill(name), ended: child }
}
