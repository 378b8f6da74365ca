import { requireBucket } from '../request/require-bucket.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'

/** GET /bucket?versioning. Versioning is never enabled, which S3 expresses with an empty document. */
export const getBucketVersioning: S3Operation = {
  name: 'GetBucketVersioning',
  action: 's3:GetBucketVersioning',
  async run(call) {
    await requireBucket(call)
    return xmlReply('VersioningConfiguration', elements({}))
  },
}
