/** POST /bucket?delete: deletes many keys. Each is authorized separately. */
import { isUtf8 } from 'node:buffer'
import { createTurns } from '../../../base/turns.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { describeS3Error } from '../../../protocol/s3-wire.ts'
import { childrenOf, childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import { requireDigest } from '../body/declarations.ts'
import { readPayload } from '../body/payload.ts'
import { readDeleteCondition } from '../request/conditions.ts'
import { readBypass } from '../request/lock-headers.ts'
import { requireKey, requireXmlKey } from '../request/names.ts'
import type { DeleteResult } from '../request/object-store.ts'
import {
  authorize,
  authorizeSomeKey,
  openBody,
  type S3Call,
  type S3Operation,
  type S3Request,
} from '../request/s3-operation.ts'
import { elements, join, type XmlElements, xmlReply } from '../request/s3-xml.ts'
import { checkVersionId } from '../request/versions.ts'
import { deleteLimits } from '../request/xml-limits.ts'

const maxKeys = 1000

/** Number of keys authorized before other requests get a turn. */
const keysPerTurn = 16

/** An object or a version that is to be deleted. */
interface Doomed {
  readonly key: string
  readonly versionId: string | undefined
}

type Outcome = Doomed & { readonly error?: AwsError | undefined; readonly result?: DeleteResult }

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: S3Operation = {
  name: 'DeleteObjects',
  action: undefined,
  async run(call) {
    const mayBypassGovernance = readBypass(call.request.headers)
    const { objects, isQuiet } = await readDeleteRequest(call)
    const outcomes: Outcome[] = []
    const takeTurn = createTurns(keysPerTurn)
    for (const object of objects) {
      await takeTurn()
      outcomes.push(await deleteOne(call, object, mayBypassGovernance))
    }
    return xmlReply('DeleteResult', join(outcomes.flatMap((outcome) => report(outcome, isQuiet))))
  },
}

/**
 * Reads the list of what to delete: 1 to 1,000 `Object` elements, each with a `Key`. A caller who may delete nothing in the bucket is
 * refused before a byte of it is read.
 *
 * @throws {AwsError} `AccessDenied`, `InvalidRequest` for a body without a digest, `MalformedXML`, and as the payload's iteration.
 */
export async function readDeleteRequest(
  call: S3Request,
): Promise<{ objects: XmlNode[]; isQuiet: boolean }> {
  await authorizeSomeKey(call, ['s3:DeleteObject', 's3:DeleteObjectVersion'])
  const payload = openBody(call, { maxBytes: deleteLimits.maxBytes })
  requireDigest(
    payload.declarations,
    'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
  )
  const body = await readPayload(payload)
  // Invalid bytes would become U+FFFD, and so the key of another object.
  if (!isUtf8(body)) throw new AwsError('MalformedXML', 'the body is not UTF-8')
  const root = parseXml(body.toString(), deleteLimits)
  const objects = childrenOf(root, 'Object')
  if (root.name !== 'Delete' || objects.length === 0 || objects.length > maxKeys) {
    throw new AwsError('MalformedXML', `the body must be a Delete with 1 to ${maxKeys} Objects`)
  }
  if (objects.some((object) => (childText(object, 'Key') ?? '') === '')) {
    throw new AwsError('MalformedXML', 'an Object has no Key')
  }
  return { objects, isQuiet: childText(root, 'Quiet')?.trim().toLowerCase() === 'true' }
}

function readDoomed(object: XmlNode): Doomed {
  const versionId = childText(object, 'VersionId')
  return {
    key: childText(object, 'Key') ?? '',
    versionId: versionId === '' ? undefined : versionId,
  }
}

/** @throws {AwsError} `InvalidArgument`. */
function readCondition(object: XmlNode): ReturnType<typeof readDeleteCondition> {
  const read = (name: string): string | undefined => childText(object, name)?.trim() || undefined
  return readDeleteCondition({
    etag: read('ETag'),
    size: read('Size'),
    lastModified: read('LastModifiedTime'),
  })
}

async function deleteOne(
  call: S3Call,
  object: XmlNode,
  mayBypassGovernance: boolean,
): Promise<Outcome> {
  const { bucket, objects } = call
  const doomed = readDoomed(object)
  const { key, versionId } = doomed
  try {
    const precondition = readCondition(object)
    requireKey(key)
    requireXmlKey(key)
    if (versionId !== undefined) checkVersionId(versionId)
    const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
    const at = { bucket, key, version: versionId }
    await authorize(call, action, at)
    // The header is about keys that only the body names, so that its action is not asked for with the other headers'.
    if (mayBypassGovernance) await authorize(call, 's3:BypassGovernanceRetention', at)
    const options = { versionId, precondition, mayBypassGovernance }
    return { ...doomed, result: await objects.deleteObject(bucket, key, options) }
  } catch (error) {
    // The error of one key becomes an Error element. A missing bucket is the error of the whole request.
    if (error instanceof AwsError && error.code !== 'NoSuchBucket') return { ...doomed, error }
    throw error
  }
}

function report({ key, versionId, error, result }: Outcome, isQuiet: boolean): XmlElements[] {
  const named = { Key: key, VersionId: versionId }
  if (error) {
    const { message, reason } = describeS3Error(error)
    const fields = elements({ ...named, Code: error.code, Message: message, Reason: reason })
    return [elements({ Error: fields })]
  }
  if (isQuiet) return []
  const isMarker = result?.isDeleteMarker === true
  const marker = { DeleteMarker: true, DeleteMarkerVersionId: result?.versionId }
  return [elements({ Deleted: elements({ ...named, ...(isMarker ? marker : {}) }) })]
}
