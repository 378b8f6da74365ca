/**
 * The outside world as one value. Only `bin/` and `main.ts` build the real one; tests hand in their own,
 * so that a whole command line runs in the test's process.
 */

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
  /** Opens an address of this machine in the person's browser; undefined where there is none to open. */
  openBrowser?: ((address: string) => void) | undefined
  /** The present instant, in milliseconds since the epoch. */
  nowMs(): number
  readonly platform: NodeJS.Platform
  readonly pid: number
  /** Takes SIGINT, SIGTERM and SIGHUP over from Node: the first aborts with its name as the reason, a second ends the process at once. */
  catchSignals(): AbortSignal
}
