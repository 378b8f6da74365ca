/** Query parameters and limits of multipart uploads. */
import type { S3Call } from './s3-operation.ts'

/** Largest single upload, and largest part («Amazon S3 multipart upload limits»). */
export const maxPutBytes = 5 * 1024 ** 3

export const maxPartNumber = 10_000

/** The upload the query names; the store says whether there is one. */
export function readUploadId({ query }: Pick<S3Call, 'query'>): string {
  return query.get('uploadId') ?? ''
}
