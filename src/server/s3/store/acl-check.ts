import { AwsError } from '../../../protocol/aws-error.ts'
import { aclNotSupported, isPublicAcl, listGrantHeaders } from '../request/canned-acl.ts'
import type { ObjectStore } from '../request/object-store.ts'
import { readOwnershipControls } from '../request/ownership.ts'
import { readPublicAccessBlock } from '../request/public-access-block.ts'
import { createDocumentReader } from '../request/document-reader.ts'

interface AclRequest {
  readonly bucket: string
  readonly headers: ReadonlyMap<string, string>
}

/**
 * Returns a function that refuses an ACL which the bucket's settings do not allow, besides those that no bucket here has. Only requests that set an ACL read the settings.
 *
 * @throws {AwsError} `AccessDenied` for a public canned ACL under `BlockPublicAcls` (AWS, "PublicAccessBlockConfiguration");
 *   `AccessControlListNotSupported` under `BucketOwnerEnforced`, where an upload may only name the bucket's owner (AWS, "Controlling ownership of objects").
 */
export function createAclCheck(
  objects: ObjectStore,
): (operation: string, request: AclRequest) => void {
  const readBlock = createDocumentReader(objects, 'publicAccessBlock', readPublicAccessBlock)
  const readOwnership = createDocumentReader(objects, 'ownershipControls', readOwnershipControls)
  return (operation, { bucket, headers }) => {
    const isAclOperation = /^Put(Bucket|Object)Acl$/.test(operation)
    const acl = headers.get('x-amz-acl')
    const hasGrants = listGrantHeaders(headers).length > 0
    const isSet = isAclOperation || acl !== undefined || hasGrants
    if (!isSet || operation === 'CreateBucket') return
    if (isPublicAcl(acl ?? 'private') && readBlock(bucket)?.BlockPublicAcls === true)
      throw new AwsError(
        'AccessDenied',
        `the public access block of the bucket refuses the ACL ${acl} (BlockPublicAcls)`,
      )
    const isOfOwner = !isAclOperation && acl === 'bucket-owner-full-control'
    if (isOfOwner || readOwnership(bucket) !== 'BucketOwnerEnforced') return
    throw aclNotSupported()
  }
}
