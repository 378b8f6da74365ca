/** The door to execa: a shell command that prints a secret, programs on Windows, and programs that work for us. */
import { execa, ExecaError } from 'execa'
import { StsCliError } from '../errors.ts'
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

export interface ProgramOptions {
  readonly argv: readonly string[]
  /** All of it: nothing is inherited besides. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How a program of ours ended, and the last of what it said. */
export interface ProgramEnd {
  readonly how: string
  /** There is no such program. */
  readonly isMissing: boolean
  readonly isSuccess: boolean
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProgram {
  readonly ended: Promise<ProgramEnd>
  /** SIGTERM, and SIGKILL where it is still there two seconds later. */
  stop(): Promise<void>
}

const maxOutputBytes = 1024 * 1024

/** Starts a program that we work with and that nobody sees; it ends with this process at the latest. */
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
  // Bounded by hand, from its end: what a program says last is why it ended.
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      output[name] = (output[name] + chunk.toString()).slice(-maxOutputBytes)
    })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const ended = child.then(async ({ exitCode, signal, code }): Promise<ProgramEnd> => {
    const how = exitCode === undefined ? (signal ?? code ?? 'unknown') : `exit code ${exitCode}`
    // What it said last may still be on its way; one that never ran says nothing.
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
