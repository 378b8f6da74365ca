import { StsCliError } from '../../base/errors.ts'

/**
 * Refuses a value that a format cannot express. The message does not contain it: it may be a secret.
 *
 * @throws {StsCliError} `ERR_DATA`.
 */
export function refuseValue(format: string, what: string, hint: string): never {
  throw new StsCliError(
    'format-value-unsupported',
    `${what} cannot be written in the format ${format}`,
    { hint },
  )
}
