import type { S3Operation } from '../request/s3-operation.ts'
import { readUploadId } from '../request/upload-parameters.ts'

/** DELETE /bucket/key?uploadId */
export const abortMultipartUpload: S3Operation = {
  name: 'AbortMultipartUpload',
  action: 's3:AbortMultipartUpload',
  async run(call) {
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    await call.objects.removeUpload(upload)
    return { status: 204 }
  },
}
