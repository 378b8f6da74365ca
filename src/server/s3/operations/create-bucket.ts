/** PUT /bucket */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, parseXml } from '../../../protocol/xml.ts'
import { readPayload } from '../body/payload.ts'
import { readLocationConstraint } from '../request/bucket-location.ts'
import { requireNewBucketName } from '../request/names.ts'
import { openBody, type S3Operation } from '../request/s3-operation.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** PUT /bucket */
export const createBucket: S3Operation = {
  name: 'CreateBucket',
  action: 's3:CreateBucket',
  async run(call) {
    requireNewBucketName(call.bucket)
    const text = (
      await readPayload(openBody(call, { maxBytes: configurationLimits.maxBytes }))
    ).toString()
    const location = readLocationConstraint(readWanted(text), call.region)
    await call.objects.createBucket(call.bucket, { location })
    return { status: 200, headers: { location: `/${call.bucket}` } }
  },
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
