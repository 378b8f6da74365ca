/** PUT /bucket */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, parseXml } from '../../../protocol/xml.ts'
import { readPayload } from '../body/payload.ts'
import { readLocationConstraint } from '../request/bucket-location.ts'
import { reservedBuckets } from '../request/names.ts'
import { describeBucketLock } from '../request/object-lock-document.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'

const lockHeader = 'x-amz-bucket-object-lock-enabled'

/** PUT /bucket */
export const createBucket: S3Operation = {
  name: 'CreateBucket',
  action: 's3:CreateBucket',
  async run(call) {
    if (reservedBuckets.has(call.bucket)) {
      throw new AwsError('InvalidBucketName', `${call.bucket} is a name of the server itself`)
    }
    const text = (
      await readPayload(openBody(call, { maxBytes: configurationLimits.maxBytes }))
    ).toString()
    const location = readLocationConstraint(readWanted(text), call.region)
    const hasLock = call.request.headers.get(lockHeader)?.toLowerCase() === 'true'
    await call.objects.createBucket(call.bucket, { location })
    if (hasLock) await enableLock(call)
    return { status: 200, headers: { location: `/${call.bucket}` } }
  },
}

/** A bucket with object lock has versioning, and keeps it (AWS, "Object Lock considerations"). If that fails, there is no bucket. */
async function enableLock({ objects, bucket }: S3Call): Promise<void> {
  try {
    const { body } = xmlReply('ObjectLockConfiguration', describeBucketLock({}))
    await objects.writeBucketDocument(bucket, 'versioning', 'Enabled')
    await objects.writeBucketDocument(bucket, 'object-lock', String(body))
  } catch (error) {
    await objects.deleteBucket(bucket)
    throw error
  }
}

/** Returns the location that a document asks for; empty for none. @throws {AwsError} `MalformedXML`, `NotImplemented`. */
function readWanted(text: string): string {
  if (text.trim() === '') return ''
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'CreateBucketConfiguration') {
    throw new AwsError('MalformedXML', 'the body must be a CreateBucketConfiguration')
  }
  const other = root.children.find(({ name }) => name !== 'LocationConstraint')
  if (other !== undefined) {
    const message = `CreateBucket with ${other.name.slice(0, 100)} is not implemented`
    throw new AwsError('NotImplemented', message)
  }
  return childText(root, 'LocationConstraint')?.trim() ?? ''
}
