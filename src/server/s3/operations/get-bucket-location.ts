import { requireBucket } from '../request/require-bucket.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'

/** GET /bucket?location, the first request of many clients. us-east-1 is written as an empty text. */
export const getBucketLocation: S3Operation = {
  name: 'GetBucketLocation',
  action: 's3:GetBucketLocation',
  async run(call) {
    await requireBucket(call)
    const region = call.region === 'us-east-1' ? '' : call.region
    const reply = xmlReply('LocationConstraint', elements({}))
    return { ...reply, body: String(reply.body).replace('></', `>${region}</`) }
  },
}
