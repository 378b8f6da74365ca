/** The versioning of a bucket: ?versioning. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, childText, malformed, parseXml } from '../../../protocol/xml.ts'
import { readPayload } from '../body/payload.ts'
import { findBucketLock } from '../request/object-lock-document.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** GET /bucket?versioning. A bucket that never had versioning has an empty document. */
export const getBucketVersioning: S3Operation = {
  name: 'GetBucketVersioning',
  action: 's3:GetBucketVersioning',
  async run({ objects, bucket }) {
    const Status = await objects.readBucketDocument(bucket, 'versioning')
    return xmlReply('VersioningConfiguration', elements({ Status }))
  },
}

/** PUT /bucket?versioning. It can be suspended, but never removed. */
export const putBucketVersioning: S3Operation = {
  name: 'PutBucketVersioning',
  action: 's3:PutBucketVersioning',
  async run(call) {
    const payload = openBody(call, { maxBytes: configurationLimits.maxBytes })
    const status = readStatus((await readPayload(payload)).toString())
    if (status === 'Suspended' && (await findBucketLock(call.objects, call.bucket)) !== undefined)
      throw lockedBucket()
    await call.objects.writeBucketDocument(call.bucket, 'versioning', status)
    return { status: 200 }
  },
}

/** @throws {AwsError} `MalformedXML`, `IllegalVersioningConfigurationException`; `NotImplemented` for MFA delete, which needs devices. */
function readStatus(text: string): 'Enabled' | 'Suspended' {
  const root = parseXml(text, configurationLimits)
  const statuses = childrenOf(root, 'Status')
  const isKnown = root.children.every(({ name }) => /^(?:Status|MfaDelete)$/.test(name))
  if (root.name !== 'VersioningConfiguration' || statuses.length > 1 || !isKnown)
    throw malformed('it is not a VersioningConfiguration with one Status')
  if (childText(root, 'MfaDelete')?.trim() === 'Enabled')
    throw new AwsError('NotImplemented', 'MfaDelete is not implemented')
  const status = statuses[0]?.text.trim()
  if (status === 'Enabled' || status === 'Suspended') return status
  if (status !== undefined) throw malformed('Status must be Enabled or Suspended')
  throw new AwsError(
    'IllegalVersioningConfigurationException',
    'The Versioning element must be specified',
    { status: 400 },
  )
}

function lockedBucket(): AwsError {
  const sentence =
    'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.'
  return new AwsError('InvalidBucketState', 'the bucket has object lock', { status: 409, sentence })
}
