/** PUT /bucket */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, parseXml } from '../../../protocol/xml.ts'
import { readPayload } from '../body/payload.ts'
import { reservedBuckets } from '../request/names.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { configurationLimits } from '../request/xml-limits.ts'

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
    if (text.trim() !== '') checkLocation(text, call.region)
    await call.objects.createBucket(call.bucket)
    return { status: 200, headers: { location: `/${call.bucket}` } }
  },
}

/** Refuses a location other than this server's region. @throws {AwsError} `InvalidLocationConstraint`. */
function checkLocation(text: string, region: string): void {
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'CreateBucketConfiguration') {
    throw new AwsError('MalformedXML', 'the body must be a CreateBucketConfiguration')
  }
  const other = root.children.find(({ name }) => name !== 'LocationConstraint')
  if (other !== undefined) {
    const message = `CreateBucket with ${other.name.slice(0, 100)} is not implemented`
    throw new AwsError('NotImplemented', message)
  }
  const wanted = childText(root, 'LocationConstraint')?.trim() ?? ''
  // Old clients send `EU` and `US` instead of a region.
  if (wanted === '' || region === '' || wanted === region || wanted === 'US') return
  throw new AwsError(
    'InvalidLocationConstraint',
    `this server is region ${region}, not ${wanted}`,
    {
      status: 400,
    },
  )
}
