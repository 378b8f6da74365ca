/**
 * The outside world as one value. Only `bin/` and `main.ts` build the real one; tests hand in their own,
 * so that a whole command line runs in the test's process.
 */

import type { Keyring } from './keyring.ts'

/** Everything a command may touch besides the network and the file system. */
export interface Io {
  /** Environment variables; never read from `process.env` below `bin/`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Writes the one document a command produces. Throws `EPIPE` and the like as Node does. */
  writeStdout(text: string): void
  /** Writes what people read. */
  writeStderr(text: string): void
  /** Reads standard input to its end, at most `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>
  /** Whether a person sits at stdin, stdout, stderr. */
  readonly isTty: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  /** Asks on the controlling terminal without echo; undefined where there is no terminal. */
  askSecret?: ((prompt: string) => Promise<string>) | undefined
  /** Asks a row of questions on the terminal; undefined where there is no terminal. */
  openPrompter?: (() => Promise<Prompter>) | undefined
  /** Opens an address of this machine in the person's browser; undefined where there is none to open. */
  openBrowser?: ((address: string) => void) | undefined
  /** The system's store of secrets; undefined where there is none. */
  openKeyring?: (() => Promise<Keyring | undefined>) | undefined
  /** The present instant, in milliseconds since the epoch. */
  nowMs(): number
  readonly platform: NodeJS.Platform
  readonly pid: number
  /** Takes SIGINT, SIGTERM and SIGHUP over from Node: the first aborts with its name as the reason, a second ends the process at once. */
  catchSignals(): AbortSignal
  /** Hands each of these signals to the listener, however often, and none to Node, until the function that it gives back is called. */
  listenForSignals(
    names: readonly NodeJS.Signals[],
    listener: (name: NodeJS.Signals) => void,
  ): () => void
  /** Ends this process by a signal, as its parent is to see it; on Windows, which has none, with the code that stands for it. */
  endBySignal(name: NodeJS.Signals): void
}

/** Questions to a person. Each gives undefined when the person leaves (Ctrl-C, Escape). */
export interface Prompter {
  askText(question: {
    readonly message: string
    readonly initial?: string | undefined
    /** Says what is wrong with an answer; undefined for a good one. */
    readonly check?: ((answer: string) => string | undefined) | undefined
  }): Promise<string | undefined>
  /** Without echo. */
  askSecret(message: string): Promise<string | undefined>
  choose(
    message: string,
    choices: readonly { readonly value: string; readonly label: string }[],
  ): Promise<string | undefined>
  confirm(message: string): Promise<boolean | undefined>
}

/** Whether a terminal whose keys send signals is likely to be ours; one redirection does not take it away. */
export function hasTerminal({ isTty }: Io): boolean {
  return isTty.stdin || isTty.stdout || isTty.stderr
}
