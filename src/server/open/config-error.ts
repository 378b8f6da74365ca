import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'

/** Returns the error of an invalid setting, with the message of the error that a parser threw. */
export function toConfigError(reason: ErrorReason, cause: unknown): StsCliError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new StsCliError(reason, message, { stage: 'serve', cause })
}
