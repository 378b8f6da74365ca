import type { S3Operation } from '../request/s3-operation.ts'
import { requireNullVersion } from '../request/versions.ts'

/** DELETE /bucket/key. A missing object is not an error. */
export const deleteObject: S3Operation = {
  name: 'DeleteObject',
  action: 's3:DeleteObject',
  async run(call) {
    requireNullVersion(call)
    await call.objects.deleteObject(call.bucket, call.key)
    return { status: 204 }
  },
}
