/** POST /bucket?delete: deletes many keys. Each is authorized separately. */
import { isUtf8 } from 'node:buffer'
import { createTurns } from '../../../base/turns.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { describeS3Error } from '../../../protocol/s3-wire.ts'
import { childrenOf, childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import { requireDigest } from '../body/declarations.ts'
import { readPayload } from '../body/payload.ts'
import { noSuchVersion } from '../request/errors.ts'
import { requireKey, requireXmlKey } from '../request/names.ts'
import {
  authorize,
  authorizeSomeKey,
  openBody,
  type S3Call,
  type S3Operation,
  type S3Request,
} from '../request/s3-operation.ts'
import { elements, join, type XmlElements, xmlReply } from '../request/s3-xml.ts'
import { deleteLimits } from '../request/xml-limits.ts'

const maxKeys = 1000

/** Number of keys authorized before other requests get a turn. */
const keysPerTurn = 16

type Outcome = { readonly key: string; readonly error?: AwsError | undefined }

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: S3Operation = {
  name: 'DeleteObjects',
  action: undefined,
  async run(call) {
    const { objects, isQuiet } = await readDeleteRequest(call)
    const outcomes: Outcome[] = []
    const takeTurn = createTurns(keysPerTurn)
    for (const object of objects) {
      await takeTurn()
      const action = hasText(object, 'VersionId') ? 's3:DeleteObjectVersion' : 's3:DeleteObject'
      outcomes.push(await deleteOne(call, readUnversionedKey(object), action))
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

function readUnversionedKey(object: XmlNode): string | AwsError {
  const key = childText(object, 'Key') ?? ''
  const version = childText(object, 'VersionId')
  const isVersioned = version !== undefined && version !== '' && version !== 'null'
  const condition = ['ETag', 'LastModifiedTime', 'Size'].find((name) => hasText(object, name))
  if (condition !== undefined) {
    const message = `${condition} as a condition of a delete is not implemented`
    return new AwsError('NotImplemented', message, { details: { Key: key } })
  }
  return isVersioned ? noSuchVersion(key) : key
}

function hasText(object: XmlNode, name: string): boolean {
  return (childText(object, name) ?? '') !== ''
}

async function deleteOne(call: S3Call, key: string | AwsError, action: string): Promise<Outcome> {
  if (key instanceof AwsError) return { key: key.details['Key'] ?? '', error: key }
  const { bucket, objects } = call
  try {
    requireKey(key)
    requireXmlKey(key)
    await authorize(call, action, { bucket, key })
    await objects.deleteObject(bucket, key)
    return { key }
  } catch (error) {
    // The error of one key becomes an Error element. A missing bucket is the error of the whole request.
    if (error instanceof AwsError && error.code !== 'NoSuchBucket') return { key, error }
    throw error
  }
}

function report({ key, error }: Outcome, isQuiet: boolean): XmlElements[] {
  if (error) {
    const { message, reason } = describeS3Error(error)
    const fields = elements({ Key: key, Code: error.code, Message: message, Reason: reason })
    return [elements({ Error: fields })]
  }
  return isQuiet ? [] : [elements({ Deleted: elements({ Key: key }) })]
}
