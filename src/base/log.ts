/** The door to pino. Everyone else knows only `Log`. */
import { pino } from 'pino'

/** One line a call: facts for machines, a message for people. No fact is ever a secret. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A log of JSON lines on a file descriptor (stderr unless said otherwise: stdout belongs to the ready line). */
export function openLog(level: LogLevel, fileDescriptor = 2): Log {
  const destination = pino.destination({ fd: fileDescriptor, sync: true })
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** A log that says nothing: for tests and embedding. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
