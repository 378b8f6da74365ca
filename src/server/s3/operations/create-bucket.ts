/** PUT /bucket */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, parseXml } from '../../../protocol/xml.ts'
import { readPayload } from '../body/payload.ts'
import { isOwnersAcl } from '../request/canned-acl.ts'
import { readLocationConstraint } from '../request/bucket-location.ts'
import { requireNewBucketName } from '../request/names.ts'
import { describeBucketLock } from '../request/object-lock-document.ts'
import {
  describeOwnershipControls,
  findOwnership,
  type ObjectOwnership,
} from '../request/ownership.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
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
    const hasLock = readLockFlag(call)
    const ownership = findOwnership(call.request.headers.get('x-amz-object-ownership') ?? '')
    requireFittingAcl(call, ownership)
    await call.objects.createBucket(call.bucket, { location })
    await setUp(call, { hasLock, ownership })
    return { status: 200, headers: { location: `/${call.bucket}` } }
  },
}

/** @throws {AwsError} `InvalidBucketAclWithObjectOwnership`. */
function requireFittingAcl({ request }: S3Call, ownership: ObjectOwnership | undefined): void {
  const acl = request.headers.get('x-amz-acl') ?? 'private'
  if (ownership !== 'BucketOwnerEnforced' || isOwnersAcl(acl)) return
  const message = `a bucket without ACLs (BucketOwnerEnforced) cannot have the ACL ${acl}`
  throw new AwsError('InvalidBucketAclWithObjectOwnership', message)
}

function readLockFlag({ request }: S3Call): boolean {
  return request.headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
}

/**
 * Writes the settings of a bucket that was just created; if that fails, there is no bucket either. A bucket with object lock has versioning, and
 * keeps it (AWS, "Object Lock considerations").
 */
async function setUp(
  { objects, bucket }: S3Call,
  {
    hasLock,
    ownership,
  }: { readonly hasLock: boolean; readonly ownership: ObjectOwnership | undefined },
): Promise<void> {
  try {
    if (hasLock) {
      const { body } = xmlReply('ObjectLockConfiguration', describeBucketLock({}))
      await objects.writeBucketDocument(bucket, 'versioning', 'Enabled')
      await objects.writeBucketDocument(bucket, 'object-lock', String(body))
    }
    if (ownership === undefined) return
    const { body } = xmlReply('OwnershipControls', describeOwnershipControls(ownership))
    await objects.writeBucketDocument(bucket, 'ownershipControls', String(body))
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
