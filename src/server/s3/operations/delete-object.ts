import { readDeleteCondition } from '../request/conditions.ts'
import { readBypass } from '../request/lock-headers.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { describeDeletion, readVersionId } from '../request/versions.ts'

/** DELETE /bucket/key. A missing object is not an error. Without a version ID, a bucket with versioning gets a delete marker. */
export const deleteObject: S3Operation = {
  name: 'DeleteObject',
  action: 's3:DeleteObject',
  async run(call) {
    const versionId = readVersionId(call)
    const { headers } = call.request
    const precondition = readDeleteCondition({
      etag: headers.get('if-match'),
      size: headers.get('x-amz-if-match-size'),
      lastModified: headers.get('x-amz-if-match-last-modified-time'),
    })
    const options = {
      versionId,
      precondition,
      mayBypassGovernance: readBypass(headers),
    }
    const result = await call.objects.deleteObject(call.bucket, call.key, options)
    return { status: 204, headers: describeDeletion(result) }
  },
}
