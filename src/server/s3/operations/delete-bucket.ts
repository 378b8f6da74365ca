import type { S3Operation } from '../request/s3-operation.ts'

/** DELETE /bucket */
export const deleteBucket: S3Operation = {
  name: 'DeleteBucket',
  action: 's3:DeleteBucket',
  async run(call) {
    await call.objects.deleteBucket(call.bucket)
    return { status: 204 }
  },
}
