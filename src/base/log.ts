/** The adapter of pino. All other code knows only `Log`. */
import { pino } from 'pino'

/** Writes one line a call: facts for machines, a message for people. No fact is ever a secret. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** The buffer limit while the disk is full; further lines are lost. */
const maxWaitingBytes = 1024 * 1024

/** Opens a log of JSON lines on a file descriptor (stderr by default: stdout is for the ready line). It never throws. */
export function openLog(level: LogLevel, fileDescriptor = 2): Log {
  const destination = pino.destination({
    fd: fileDescriptor,
    sync: true,
    maxLength: maxWaitingBytes,
  })
  // A server must continue when its log fills the disk; lines are written again when there is space.
  destination.on('error', () => {})
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** A log without output: for tests and embedding. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
