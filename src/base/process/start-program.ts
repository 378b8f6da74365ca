/** The adapter of execa: shell commands that print a secret, programs on Windows, and helper programs. */
import { execa, ExecaError } from 'execa'
import { StsCliError } from '../errors.ts'
import type { StartedChild } from './run-child.ts'

export interface SecretCommand {
  /** The secret in words, for messages. */
  readonly what: string
  /** The setting that holds the command. */
  readonly option: string
}

/**
 * Runs a command line in the shell and returns its trimmed output; it may prompt on the terminal.
 *
 * @param flag The flag that has the command, for the message.
 * @throws {StsCliError} `ERR_INPUT` when it fails; its output is omitted, since it may contain the secret.
 */
export async function readSecretCommand(
  commandLine: string,
  { what, option }: SecretCommand,
): Promise<string> {
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
    throw new StsCliError('secret-command-failed', `the ${what} command failed${how}`, {
      stage: 'config',
      details: { option },
    })
  }
}

/** Starts a program on this terminal, found as Windows finds it: with the extensions of PATHEXT, scripts included. */
export function startByExeca(
  [file = '', ...rest]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StartedChild {
  const child = execa(file, rest, { env, extendEnv: false, stdio: 'inherit', reject: false })
  return { kill: (name) => void child.kill(name), ended: child }
}

export interface ProgramOptions {
  readonly argv: readonly string[]
  /** The whole environment: nothing else is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The end of a helper program and its last output. */
export interface ProgramEnd {
  readonly how: string
  /** True if the program was not found. */
  readonly isMissing: boolean
  readonly isSuccess: boolean
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProgram {
  readonly ended: Promise<ProgramEnd>
  /** Sends SIGTERM, and SIGKILL if the program still runs two seconds later. */
  stop(): Promise<void>
}

const maxOutputBytes = 1024 * 1024

/** Starts a helper program in the background; it ends with this process at the latest. */
export function startProgram({ argv, env }: ProgramOptions): RunningProgram {
  const [file = '', ...rest] = argv
  const child = execa(file, rest, {
    env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    buffer: false,
    forceKillAfterDelay: 2000,
  })
  // Keeps only the end of the output, which says why a program ended.
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      output[name] = (output[name] + chunk.toString()).slice(-maxOutputBytes)
    })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const ended = child.then(async ({ exitCode, signal, code }): Promise<ProgramEnd> => {
    const how = exitCode === undefined ? (signal ?? code ?? 'unknown') : `exit code ${exitCode}`
    // Its last output may still arrive; a program that never ran has none.
    if (exitCode !== undefined || signal !== undefined) await closed
    return { ...output, how, isMissing: code === 'ENOENT', isSuccess: exitCode === 0 }
  })
  return {
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
