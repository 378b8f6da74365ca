/** `MINIO_API_REQUESTS_*` → how many requests run at once. */
import { parseDurationSeconds } from '../../base/duration.ts'
import type { Io } from '../../base/io.ts'
import type { RequestLimits } from '../../server/options/server-options.ts'
import { readVariable, variableError } from './variables.ts'

const maxRequests = 100_000
const maxDeadlineSeconds = 600

/**
 * Reads the limits of each process; a limit that is not set, and the number `0` as with MinIO, is left to the server.
 *
 * @throws {StsCliError} `ERR_CONFIG` for anything but a whole number and a duration of 1 s to 10 min.
 */
export function readRequestLimits(io: Io): RequestLimits {
  return { maxRunning: readMax(io), maxWaitMs: readDeadlineMs(io) }
}

function readMax(io: Io): number | undefined {
  const name = 'MINIO_API_REQUESTS_MAX'
  const text = readVariable(io, name)
  if (text === undefined) return undefined
  const count = Number(text)
  if (!/^\d{1,6}$/.test(text) || count > maxRequests)
    throw variableError(
      'variable-invalid',
      name,
      `${JSON.stringify(text)} is not a whole number from 0 to 100000`,
    )
  return count === 0 ? undefined : count
}

function readDeadlineMs(io: Io): number | undefined {
  const name = 'MINIO_API_REQUESTS_DEADLINE'
  const text = readVariable(io, name)
  if (text === undefined) return undefined
  const seconds = parseDurationSeconds(text)
  if (seconds === undefined || seconds < 1 || seconds > maxDeadlineSeconds)
    throw variableError(
      'variable-invalid',
      name,
      `${JSON.stringify(text)} is not a duration from 1s to 10m`,
      'write 5s or 1m',
    )
  return seconds * 1000
}
