import { AwsError } from '../../../protocol/aws-error.ts'

/** Returns the error for what the upstream could do, but nobody was asked to allow. @param what Begins the message. */
export function notPassedOn(what: string): AwsError {
  return new AwsError('NotImplemented', describeNotPassedOn(what))
}

/** Returns the message of such an error. */
export function describeNotPassedOn(what: string): string {
  return `${what} is not passed on to the upstream S3`
}
