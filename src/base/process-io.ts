/** The real outside world: the one place below `bin/` that touches `process`. */
import { readSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { StsCliError } from './errors.ts'
import type { Io } from './io.ts'

/** The terminal, environment, clock and signals of this process. */
export function createProcessIo(): Io {
  const isTty = { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) }
  return {
    env: process.env,
    platform: process.platform,
    pid: process.pid,
    isTty,
    nowMs: () => Date.now(),
    writeStdout: (text) => writeWhole(1, text),
    writeStderr: (text) => writeQuietly(text),
    readStdin: async (maxBytes) => readToEnd(maxBytes),
    askSecret:
      isTty.stdin || isTty.stderr
        ? async (prompt) => (await import('./ask-secret.ts')).askSecret(prompt)
        : undefined,
    catchSignals,
  }
}

/** `process.stdout.write` is asynchronous on pipes, and lost when the process ends first. */
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

/** A full or closed stderr must not hide the exit code. */
function writeQuietly(text: string): void {
  try {
    writeWhole(2, text)
  } catch {
    // There is nobody to tell.
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
      throw new StsCliError('ERR_DATA', `standard input is longer than ${maxBytes} bytes`)
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
        throw new StsCliError('ERR_INPUT', 'standard input cannot be read', { cause: error })
      pause()
    }
  }
}

/** A pipe that another process made non-blocking. */
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
