/** Runs the user's command on this terminal. On the path of `exec -- true`: only node:child_process is loaded, except on Windows. */
import { errorCode } from '../error-code.ts'
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export interface RunChildOptions {
  readonly argv: readonly string[]
  /** The whole environment: nothing else is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** Passes each signal that this process gets to the listener, until the returned function is called. */
  readonly listenForSignals: (listener: (name: NodeJS.Signals) => void) => () => void
  /** True if the terminal also sends the signals of its keys (Ctrl-C, Ctrl-\\) to the child: then they are not sent a second time. */
  readonly isTerminalShared: boolean
}

export interface ChildEnd {
  /** The child's own code; 128 + n if a signal ended it; 127 if there is no such program, 126 if it cannot be run. */
  readonly exitCode: number
  readonly signal?: NodeJS.Signals
  /** The reason why the child never ran. */
  readonly failure?: string
}

/** A child, as both ways of starting one return it. */
export interface StartedChild {
  kill(name: NodeJS.Signals): void
  readonly ended: PromiseLike<{
    readonly exitCode?: number | undefined
    readonly signal?: NodeJS.Signals | undefined
    /** Node's error code for a child that never ran. */
    readonly code?: string | undefined
  }>
}

/** The signals by which people and service managers control a program; job control reaches the whole group by itself. */
export const forwardedSignals: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
]
const sentByTerminal: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])

/** Runs a program until it ends, however long it takes after a signal: this process never ends first. */
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
  // Node rejects an empty name as an invalid argument; a shell treats it as a missing program.
  if (file === '') return { kill: () => {}, ended: Promise.resolve({ code: 'ENOENT' }) }
  try {
    const child = spawn(file, rest, { env, stdio: 'inherit' })
    const ended = new Promise<Awaited<StartedChild['ended']>>((resolve) => {
      child.once('error', (error) => resolve({ code: errorCode(error) }))
      child.once('exit', (exitCode, signal) => {
        resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined })
      })
    })
    return { kill: (name) => void child.kill(name), ended }
  } catch (error) {
    // Some errors are thrown instead of emitted, such as E2BIG.
    return { kill: () => {}, ended: Promise.resolve({ code: errorCode(error) }) }
  }
}
