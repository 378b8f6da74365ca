/** The errors for what a format cannot express. */
import { StsCliError } from '../../base/errors.ts'

/** Makes the error for a value that a format cannot express. The message does not contain it: it may be a secret. */
export function unsupportedValueError(format: string, what: string): StsCliError {
  return new StsCliError(
    'format-value-unsupported',
    `${what} cannot be written in the format ${format}`,
    { details: { format } },
  )
}

/** Makes the error for an endpoint with a path, where a format has no place for one. */
export function endpointPathError(format: string): StsCliError {
  return new StsCliError(
    'format-endpoint-with-path',
    `an endpoint with a path cannot be written in the format ${format}`,
  )
}
