import { StsCliError } from '../../base/errors.ts'

/**
 * Refuses what a format cannot write down; the value stays out of the message, it may be a secret.
 *
 * @throws {StsCliError} `ERR_DATA`.
 */
export function refuseValue(format: string, what: string, hint: string): never {
  throw new StsCliError('ERR_DATA', `${what} cannot be written in the format ${format}`, { hint })
}
