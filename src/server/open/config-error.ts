import { StsCliError } from '../../base/errors.ts'

/** Returns the error of an impossible setting, with the message of the error that a parser threw. */
export function toConfigError(cause: unknown): StsCliError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new StsCliError('ERR_CONFIG', message, { stage: 'serve', cause })
}
