/** Query parameters and limits of multipart uploads. */
import { invalidArgument } from './errors.ts'
import type { S3Call } from './s3-operation.ts'

/** Maximum size of a single upload and of a part (AWS, "Amazon S3 multipart upload limits"). */
export const maxPutBytes = 5 * 1024 ** 3

export const maxPartNumber = 10_000

/** Reads a part's number. @throws {AwsError} `InvalidArgument` for anything but 1 to 10,000. */
export function readPartNumber(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= maxPartNumber) return number
  throw invalidArgument(
    { name: 'partNumber', value: text },
    `partNumber must be a number from 1 to ${maxPartNumber}`,
    `Part number must be an integer between 1 and ${maxPartNumber}, inclusive`,
  )
}

/** Returns the upload ID of the query. Whether it exists is checked by the store. */
export function readUploadId({ query }: Pick<S3Call, 'query'>): string {
  return query.get('uploadId') ?? ''
}
