/**
 * The outside world as one value. Only `bin/` and `main.ts` build the real one; tests pass their own,
 * so that a whole command line runs in the test's process.
 */

import type { Keyring } from './keyring.ts'

/** Everything that a command may use besides the network and the file system. */
export interface Io {
  /** Environment variables; never read from `process.env` below `bin/`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Writes the one document that a command produces. Throws `EPIPE` and other errors as Node does. */
  writeStdout(text: string): void
  /** Writes text for people. */
  writeStderr(text: string): void
  /** Reads standard input to its end, at most `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>
  /** True if a terminal is at stdin, stdout, stderr. */
  readonly isTty: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  /** Prompts on the controlling terminal without echo; undefined without a terminal. */
  askSecret?: ((prompt: string) => Promise<string>) | undefined
  /** Asks a series of questions on the terminal; undefined without a terminal. */
  openPrompter?: (() => Promise<Prompter>) | undefined
  /** Opens a loopback URL in the user's browser; undefined if none can be opened. */
  openBrowser?: ((address: string) => void) | undefined
  /** The system's keyring; undefined if there is none. */
  openKeyring?: (() => Promise<Keyring | undefined>) | undefined
  /** Returns the current time in milliseconds since the epoch. */
  nowMs(): number
  readonly platform: NodeJS.Platform
  readonly pid: number
  /** Takes SIGINT, SIGTERM and SIGHUP over from Node: the first aborts the signal with its name as the reason, a second ends the process at once. */
  catchSignals(): AbortSignal
  /** Passes each of these signals to the listener, however often, and none to Node, until the returned function is called. */
  listenForSignals(
    names: readonly NodeJS.Signals[],
    listener: (name: NodeJS.Signals) => void,
  ): () => void
  /** Ends this process by a signal, as its parent must see it; on Windows, which has no signals, with the equivalent exit code. */
  endBySignal(name: NodeJS.Signals): void
}

/** Questions to the user. Each returns undefined when the user cancels (Ctrl-C, Escape). */
export interface Prompter {
  askText(question: {
    readonly message: string
    readonly initial?: string | undefined
    /** Returns what is wrong with an answer; undefined for a valid one. */
    readonly check?: ((answer: string) => string | undefined) | undefined
  }): Promise<string | undefined>
  /** Prompts without echo. */
  askSecret(message: string): Promise<string | undefined>
  choose(
    message: string,
    choices: readonly { readonly value: string; readonly label: string }[],
  ): Promise<string | undefined>
  confirm(message: string): Promise<boolean | undefined>
}

/** Returns true if this process probably owns a terminal whose keys send signals, even with one redirection. */
export function hasTerminal({ isTty }: Io): boolean {
  return isTty.stdin || isTty.stdout || isTty.stderr
}
