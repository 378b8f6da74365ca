/** The real outside world: the only file below `bin/` that uses `process`. */
import { readSync, writeSync } from 'node:fs'
import { StsCliError } from '../errors.ts'
import type { Io } from '../io.ts'

/** Returns the terminal, environment, clock and signals of this process. */
export function createProcessIo(): Io {
  return {
    env: process.env,
    platform: process.platform,
    pid: process.pid,
    isTty: {
      get stdin() {
        return isTerminal(0)
      },
      get stdout() {
        return isTerminal(1)
      },
      get stderr() {
        return isTerminal(2)
      },
    },
    nowMs: () => Date.now(),
    writeStdout: (text) => writeWhole(1, text),
    writeStderr: (text) => writeQuietly(text),
    readStdin: async (maxBytes) => readToEnd(maxBytes),
    get askSecret() {
      if (!isTerminal(0) && !isTerminal(2)) return undefined
      return async (prompt: string) => (await import('../terminal/ask-secret.ts')).askSecret(prompt)
    },
    get openPrompter() {
      if (!isTerminal(0) || !isTerminal(2)) return undefined
      return async () => (await import('../terminal/prompts.ts')).createPrompter(process.stderr)
    },
    openBrowser: (address) =>
      void import('./open-browser.ts').then(({ openBrowser }) =>
        openBrowser(address, process.platform, process.env),
      ),
    openKeyring: async () => (await import('../keyring.ts')).openKeyring(),
    catchSignals,
    listenForSignals(names, listener) {
      for (const name of names) process.on(name, listener)
      return () => {
        for (const name of names) process.off(name, listener)
      }
    },
    endBySignal(name) {
      process.removeAllListeners(name)
      if (process.platform === 'win32')
        process.exit(128 + process.getBuiltinModule('node:os').constants.signals[name])
      process.kill(process.pid, name)
    },
  }
}

/** Returns true for a terminal. Called only when needed: loading node:tty takes a twentieth of Node's own start. */
function isTerminal(descriptor: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(descriptor)
}

/** Writes the whole text synchronously: `process.stdout.write` is asynchronous on pipes, and is lost when the process ends first. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += writeSync(descriptor, bytes, offset)
    } catch (error) {
      if (!isBusy(error)) throw error
      pause()
    }
  }
}

/** Ignores errors: a full or closed stderr must not hide the exit code. */
function writeQuietly(text: string): void {
  try {
    writeWhole(2, text)
  } catch {
    // Nobody can be told.
  }
}

function readToEnd(maxBytes: number): string {
  const chunks: Buffer[] = []
  let length = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(65_536)
    const count = readChunk(chunk)
    if (count === 0) return Buffer.concat(chunks).toString('utf8')
    length += count
    if (length > maxBytes)
      throw new StsCliError('stdin-too-long', `standard input is longer than ${maxBytes} bytes`)
    chunks.push(chunk.subarray(0, count))
  }
}

function readChunk(chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(0, chunk)
    } catch (error) {
      // Windows reports the end of a pipe as an error.
      if (error instanceof Error && 'code' in error && error.code === 'EOF') return 0
      if (!isBusy(error))
        throw new StsCliError('stdin-unreadable', 'standard input cannot be read', { cause: error })
      pause()
    }
  }
}

/** Returns true for the error of a full pipe that another process made non-blocking. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
}

function catchSignals(): AbortSignal {
  const controller = new AbortController()
  for (const [name, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCode)
      controller.abort(name)
    })
  }
  return controller.signal
}
