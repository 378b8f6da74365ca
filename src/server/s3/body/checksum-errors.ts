/** The refusals of checksums, in S3's own sentences, which programs compare. */
import { AwsError } from '../../../protocol/aws-error.ts'

function refuse(
  sentence: string,
  code: 'InvalidRequest' | 'BadDigest' = 'InvalidRequest',
): AwsError {
  return new AwsError(code, sentence, { sentence })
}

/** Returns the error for a header whose value cannot be, such as a checksum of the wrong length. @param header Its name. */
export function invalidChecksumHeader(header: string): AwsError {
  return refuse(`Value for ${header} header is invalid.`)
}

/** Returns the error for a checksum header whose algorithm S3 does not have. */
export function unknownChecksumHeader(): AwsError {
  return refuse('The algorithm type you specified in x-amz-checksum- header is invalid.')
}

/** Returns the error for more than one checksum of a request. */
export function severalChecksums(): AwsError {
  return refuse(
    'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  )
}

/** Returns the error for an algorithm that S3 does not have. @param algorithms The names of those that there are. */
export function unsupportedAlgorithm(algorithms: readonly string[]): AwsError {
  const names = algorithms.join(', ')
  return refuse(
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${names}]`,
  )
}

/** Returns the error for a body whose checksum is another than declared (AWS, "Checking object integrity": `BadDigest`). */
export function wrongChecksum(algorithm: string): AwsError {
  return refuse(
    `The ${algorithm} you specified did not match the calculated checksum.`,
    'BadDigest',
  )
}

/** Returns the error for a part whose checksum is of another algorithm than its upload's. @param actual Undefined for none. */
export function otherAlgorithm(expected: string, actual: string | undefined): AwsError {
  const [wanted, given] = [expected.toLowerCase(), actual?.toLowerCase() ?? 'null']
  return refuse(
    `Checksum Type mismatch occurred, expected checksum Type: ${wanted}, actual checksum Type: ${given}`,
  )
}

/** Returns the error for a type of checksum that the algorithm does not have. */
export function wrongTypeOf(algorithm: string, type: string): AwsError {
  return refuse(
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  )
}

/** Returns the error for a type of checksum without an algorithm. */
export function typeWithoutAlgorithm(): AwsError {
  return refuse(
    'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
  )
}

/** Returns the error for a checksum that the SDK announced and did not send. */
export function announcedChecksumMissing(): AwsError {
  return refuse(
    'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
  )
}

/** Returns the error for a part of a composite that is listed without its checksum. */
export function partChecksumMissing(algorithm: string, partNumber: number): AwsError {
  return refuse(
    `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
  )
}

/** Returns the error for a part that is listed with a checksum of another algorithm than the upload's. */
export function partChecksumOfOther(algorithm: string, partNumber: number): AwsError {
  return refuse(
    `The ${algorithm.toLowerCase()} you specified for part ${partNumber} did not match what we received.`,
    'BadDigest',
  )
}

/** Returns the error for an upload that is completed with another type of checksum than it was created with. */
export function otherChecksumType(created: string): AwsError {
  return refuse(
    `The upload was created using the ${created} checksum mode. The complete request must use the same checksum mode.`,
  )
}
