import { requireBucket } from '../request/require-bucket.ts'
import type { S3Operation } from '../request/s3-operation.ts'

/** HEAD /bucket */
export const headBucket: S3Operation = {
  name: 'HeadBucket',
  action: 's3:ListBucket',
  async run(call) {
    await requireBucket(call)
    return { status: 200, headers: { 'x-amz-bucket-region': call.region || 'us-east-1' } }
  },
}
