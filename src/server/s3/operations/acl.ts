/**
 * Access control lists: ?acl of a bucket and of an object. Only policies give access here, so there is one list, which never changes: the owner
 * has all rights. Setting exactly that succeeds, and anything else is refused.
 */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import { readPayload } from '../body/payload.ts'
import {
  aclNotSupported,
  isOwnersAcl,
  listGrantHeaders,
  requireCannedAcl,
} from '../request/canned-acl.ts'
import { noSuchKey } from '../request/errors.ts'
import { describeOwner, ownerId } from '../request/owner.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, XmlElements, xmlReply } from '../request/s3-xml.ts'
import { readVersionId } from '../request/versions.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** GET /bucket?acl */
export const getBucketAcl = makeGet('Bucket')

/** GET /bucket/key?acl */
export const getObjectAcl = makeGet('Object')

/** PUT /bucket?acl */
export const putBucketAcl = makePut('Bucket')

/** PUT /bucket/key?acl */
export const putObjectAcl = makePut('Object')

function makeGet(what: 'Bucket' | 'Object'): S3Operation {
  return {
    name: `Get${what}Acl`,
    action: `s3:Get${what}Acl`,
    async run(call) {
      await requireTarget(call)
      const owner = describeOwner(call.principal)
      const grantee = new XmlElements(
        `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${owner.xml}</Grantee>`,
      )
      const permission = elements({ Permission: 'FULL_CONTROL' })
      const grant = elements({ Grant: new XmlElements(grantee.xml + permission.xml) })
      return xmlReply('AccessControlPolicy', elements({ Owner: owner, AccessControlList: grant }))
    },
  }
}

function makePut(what: 'Bucket' | 'Object'): S3Operation {
  return {
    name: `Put${what}Acl`,
    action: `s3:Put${what}Acl`,
    async run(call) {
      const payload = openBody(call, { maxBytes: configurationLimits.maxBytes })
      await requireTarget(call)
      const text = (await readPayload(payload)).toString()
      const canned = call.request.headers.get('x-amz-acl')
      const grants = listGrantHeaders(call.request.headers)
      if (canned !== undefined) requireOwnersAcl(canned, text)
      else if (grants.length > 0) requireOwnersControl(grants, text)
      else requireOwnersDocument(text)
      return { status: 200 }
    },
  }
}

/** @throws {AwsError} `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`. */
async function requireTarget(call: S3Call): Promise<void> {
  const { objects, bucket, key } = call
  if (key === '') return requireBucket(call)
  if ((await objects.statObject(bucket, key, readVersionId(call))) === undefined)
    throw noSuchKey(key)
}

/**
 * Here the canned ACL is all that the request asks for. With an upload it is ignored, as MinIO does, but a 200 here would say that it was set.
 *
 * @throws {AwsError} `InvalidArgument`, `AccessControlListNotSupported`; `UnexpectedContent` for a document besides it.
 */
function requireOwnersAcl(canned: string, text: string): void {
  requireCannedAcl(canned)
  requireNoDocument(text)
  if (!isOwnersAcl(canned)) throw aclNotSupported()
}

/** Grants in headers name only the owner, which was checked; without `FULL_CONTROL` they would take the owner's rights away. */
function requireOwnersControl(grants: readonly string[], text: string): void {
  requireNoDocument(text)
  if (!grants.includes('x-amz-grant-full-control')) throw aclNotSupported()
}

function requireNoDocument(text: string): void {
  if (text !== '')
    throw new AwsError('UnexpectedContent', 'This request does not support content', {
      status: 400,
    })
}

/** Requires a list that gives the owner all rights, and nobody else any. @throws {AwsError} `MalformedACLError`, `AccessControlListNotSupported`. */
function requireOwnersDocument(text: string): void {
  if (text.trim() === '')
    throw new AwsError('MissingSecurityHeader', 'Your request was missing a required header', {
      status: 400,
      details: { MissingHeaderName: 'x-amz-acl' },
    })
  const root = readDocument(text)
  const [list, ...moreLists] = childrenOf(root, 'AccessControlList')
  const isKnown = root.children.every(({ name }) => /^(?:Owner|AccessControlList)$/.test(name))
  if (root.name !== 'AccessControlPolicy' || list === undefined || moreLists.length > 0 || !isKnown)
    throw malformedAcl()
  const owners = childrenOf(root, 'Owner').map((owner) => childText(owner, 'ID')?.trim())
  const permissions = list.children.map(readOwnersPermission)
  if (owners.some((id) => id !== undefined && id !== ownerId)) throw aclNotSupported()
  // Without it the list would take the owner's rights away.
  if (!permissions.includes('FULL_CONTROL')) throw aclNotSupported()
}

/** Returns the permission of a grant. @throws {AwsError} `AccessControlListNotSupported` if it is not the owner's. */
function readOwnersPermission(grant: XmlNode): string {
  const [grantee, ...more] = childrenOf(grant, 'Grantee')
  const permission = childText(grant, 'Permission')?.trim() ?? ''
  const isKnown = /^(?:FULL_CONTROL|WRITE|WRITE_ACP|READ|READ_ACP)$/.test(permission)
  if (grant.name !== 'Grant' || grantee === undefined || more.length > 0 || !isKnown)
    throw malformedAcl()
  const isOwner = grantee.children.every(({ name, text }) => {
    return name === 'DisplayName' || (name === 'ID' && text.trim() === ownerId)
  })
  if (!isOwner || childText(grantee, 'ID') === undefined) throw aclNotSupported()
  return permission
}

function readDocument(text: string): XmlNode {
  try {
    return parseXml(text, configurationLimits)
  } catch (cause) {
    throw malformedAcl(cause)
  }
}

function malformedAcl(cause?: unknown): AwsError {
  return new AwsError(
    'MalformedACLError',
    'The XML you provided was not well-formed or did not validate against our published schema',
    { status: 400, cause },
  )
}
