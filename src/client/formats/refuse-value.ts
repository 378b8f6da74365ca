import { StsCliError } from '../../base/errors.ts'

/**
 * Refuses a value that a format cannot express. The message does not contain it: it may be a secret.
 *
 * @throws {StsCliError} `ERR_DATA`.
 */
export function refuseValue(format: string, what: string): never {
  throw new StsCliError(
    'format-value-unsupported',
    `${what} cannot be written in the format ${format}`,
    { details: { format } },
  )
}

/**
 * Refuses an endpoint with a path, where a format has no place for one.
 *
 * @throws {StsCliError} `ERR_DATA`.
 */
export function refuseEndpointPath(format: string): never {
  throw new StsCliError(
    'format-endpoint-with-path',
    `an endpoint with a path cannot be written in the format ${format}`,
  )
}
