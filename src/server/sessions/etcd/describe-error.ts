import { StsCliError } from '../../../base/errors.ts'

/** Returns an error's message for the log, with etcd's own message if there is one. */
export function describeError(error: unknown): string {
  if (!(error instanceof StsCliError)) return String(error)
  return [error.message, error.serverMessage].filter((part) => part !== undefined).join(': ')
}
