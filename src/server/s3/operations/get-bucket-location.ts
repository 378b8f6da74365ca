import { describeLocation, toLocation } from '../request/bucket-location.ts'
import type { S3Operation } from '../request/s3-operation.ts'

/** GET /bucket?location, the first request of many clients. */
export const getBucketLocation: S3Operation = {
  name: 'GetBucketLocation',
  action: 's3:GetBucketLocation',
  async run(call) {
    return describeLocation(toLocation(await call.objects.findLocation(call.bucket), call.region))
  },
}
