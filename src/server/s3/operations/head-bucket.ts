import { toLocation, toRegion } from '../request/bucket-location.ts'
import type { S3Operation } from '../request/s3-operation.ts'

/** HEAD /bucket */
export const headBucket: S3Operation = {
  name: 'HeadBucket',
  action: 's3:ListBucket',
  async run(call) {
    const location = toLocation(await call.objects.findLocation(call.bucket), call.region)
    return { status: 200, headers: { 'x-amz-bucket-region': toRegion(location) } }
  },
}
