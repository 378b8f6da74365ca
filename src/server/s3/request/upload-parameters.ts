/** Query parameters and limits of multipart uploads. */
import type { S3Call } from './s3-operation.ts'

/** Maximum size of a single upload and of a part (AWS, "Amazon S3 multipart upload limits"). */
export const maxPutBytes = 5 * 1024 ** 3

export const maxPartNumber = 10_000

/** Returns the upload ID of the query. Whether it exists is checked by the store. */
export function readUploadId({ query }: Pick<S3Call, 'query'>): string {
  return query.get('uploadId') ?? ''
}
