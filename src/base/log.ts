/** The door to pino. Everyone else knows only `Log`. */
import { pino } from 'pino'

/** One line a call: facts for machines, a message for people. No fact is ever a secret. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** What waits while the disk is full; lines beyond it are lost. */
const maxWaitingBytes = 1024 * 1024

/** A log of JSON lines on a file descriptor (stderr unless said otherwise: stdout belongs to the ready line). It never throws. */
export function openLog(level: LogLevel, fileDescriptor = 2): Log {
  const destination = pino.destination({
    fd: fileDescriptor,
    sync: true,
    maxLength: maxWaitingBytes,
  })
  // A server must outlive the disk that its log fills; lines are written again when there is room.
  destination.on('error', () => {})
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** A log that says nothing: for tests and embedding. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
