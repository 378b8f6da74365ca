/** Errors about a request's body that are found in more than one place. */
import { AwsError } from '../../../protocol/aws-error.ts'

/** Returns the error for a connection that closed, or failed, before the end of the body. */
export function incompleteBody(cause: unknown): AwsError {
  return new AwsError('IncompleteBody', 'the request ended before its body did', { cause })
}

/** Returns the error for a body whose length no header says. */
export function missingLength(header = 'content-length'): AwsError {
  return new AwsError('MissingContentLength', `the request must have a ${header} header`)
}
