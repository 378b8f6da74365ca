/** GET /bucket/key?retention and ?legal-hold: no bucket here has object lock, and AWS then refuses both. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireBucket } from '../request/require-bucket.ts'
import type { S3Operation } from '../request/s3-operation.ts'

/** GET /bucket/key?retention */
export const getObjectRetention = makeGet('Retention')

/** GET /bucket/key?legal-hold */
export const getObjectLegalHold = makeGet('LegalHold')

function makeGet(what: 'Retention' | 'LegalHold'): S3Operation {
  return {
    name: `GetObject${what}`,
    action: `s3:GetObject${what}`,
    async run(call) {
      await requireBucket(call)
      throw new AwsError('InvalidRequest', 'Bucket is missing Object Lock Configuration')
    },
  }
}
