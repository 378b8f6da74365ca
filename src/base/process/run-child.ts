/** The user's command on our own terminal. On the path of `exec -- true`: node:child_process and nothing else, but on Windows. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export interface RunChildOptions {
  readonly argv: readonly string[]
  /** All of it: nothing is inherited besides. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** Tells of each signal that we get, until the function it gives back is called. */
  readonly listenForSignals: (listener: (name: NodeJS.Signals) => void) => () => void
  /** The terminal sends what its keys mean (Ctrl-C, Ctrl-\\) to the child as well: then it is not sent a second time. */
  readonly isTerminalShared: boolean
}

export interface ChildEnd {
  /** Its own; 128 + n where a signal ended it; 127 where there is no such program, 126 where it cannot be run. */
  readonly exitCode: number
  readonly signal?: NodeJS.Signals
  /** Set where it never ran. */
  readonly failure?: string
}

/** A child as both ways of starting one show it. */
export interface StartedChild {
  kill(name: NodeJS.Signals): void
  readonly ended: PromiseLike<{
    readonly exitCode?: number | undefined
    readonly signal?: NodeJS.Signals | undefined
    /** Node's word for why it never ran. */
    readonly code?: string | undefined
  }>
}

/** What people and service managers tell a program with; what stops and continues a job reaches the whole group by itself. */
export const forwardedSignals: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
]
const sentByTerminal: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])

/** Runs a program until it ends, however long it takes to obey a signal: we never end before it. */
export async function runChild(options: RunChildOptions): Promise<ChildEnd> {
  const { argv, env } = options
  const [file = ''] = argv
  const child =
    options.platform === 'win32'
      ? (await import('./start-program.ts')).startByExeca(argv, env)
      : startBySpawn(argv, env)
  const stopListening = options.listenForSignals((name) => {
    if (!options.isTerminalShared || !sentByTerminal.has(name)) child.kill(name)
  })
  try {
    const { exitCode, signal, code } = await child.ended
    if (exitCode !== undefined) return { exitCode }
    if (signal !== undefined) return { exitCode: 128 + constants.signals[signal], signal }
    return code === 'ENOENT'
      ? { exitCode: 127, failure: `there is no program ${file === '' ? '""' : file}` }
      : { exitCode: 126, failure: `${file} cannot be run (${code ?? 'unknown reason'})` }
  } finally {
    stopListening()
  }
}

function startBySpawn(
  [file = '', ...rest]: readonly string[],
  env: RunChildOptions['env'],
): StartedChild {
  // Node refuses an empty name as a mistake of its caller's; to a shell it is a program that is not there.
  if (file === '') return { kill: () => {}, ended: Promise.resolve({ code: 'ENOENT' }) }
  try {
    const child = spawn(file, rest, { env, stdio: 'inherit' })
    const ended = new Promise<Awaited<StartedChild['ended']>>((resolve) => {
      child.once('error', (error) => resolve({ code: codeOf(error) }))
      child.once('exit', (exitCode, signal) => {
        resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined })
      })
    })
    return { kill: (name) => void child.kill(name), ended }
  } catch (error) {
    // Some reasons are thrown and not told by an event: E2BIG is one.
    return { kill: () => {}, ended: Promise.resolve({ code: codeOf(error) }) }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
