/** POST /bucket?delete: many keys, each allowed or refused by itself. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, childText, parseXml } from '../../../protocol/xml.ts'
import { requireKey } from '../names.ts'
import { readPayload } from '../payload.ts'
import { authorize, openBody, type S3Call, type S3Operation } from '../s3-operation.ts'
import { elements, join, xmlReply, type XmlElements } from '../s3-xml.ts'

const maxKeys = 1000
/** A thousand keys of 1,024 bytes, each byte escaped at its longest. */
const maxBodyBytes = 8 * 1024 * 1024

type Outcome = { readonly key: string; readonly error?: AwsError | undefined }

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: S3Operation = {
  name: 'DeleteObjects',
  action: undefined,
  async run(call) {
    const payload = openBody(call, { maxBytes: maxBodyBytes })
    const { md5Hex, checksum } = payload.declarations
    if (md5Hex === undefined && checksum === undefined) {
      throw new AwsError(
        'InvalidRequest',
        'DeleteObjects needs content-md5 or an x-amz-checksum- header',
      )
    }
    const { keys, isQuiet } = readRequest((await readPayload(payload)).toString())
    const outcomes: Outcome[] = []
    for (const key of keys) outcomes.push(await deleteOne(call, key))
    return xmlReply('DeleteResult', join(outcomes.flatMap((outcome) => report(outcome, isQuiet))))
  },
}

function readRequest(text: string): { keys: (string | AwsError)[]; isQuiet: boolean } {
  const root = parseXml(text, { maxBytes: maxBodyBytes, maxDepth: 8 })
  const objects = childrenOf(root, 'Object')
  if (root.name !== 'Delete' || objects.length === 0 || objects.length > maxKeys) {
    throw new AwsError('MalformedXML', `the body must be a Delete with 1 to ${maxKeys} Objects`)
  }
  const keys = objects.map((object) => {
    const key = childText(object, 'Key')
    if (key === undefined || key === '') throw new AwsError('MalformedXML', 'an Object has no Key')
    const version = childText(object, 'VersionId')
    const isVersioned = version !== undefined && version !== '' && version !== 'null'
    return isVersioned ? noSuchVersion(key) : key
  })
  return { keys, isQuiet: childText(root, 'Quiet')?.trim().toLowerCase() === 'true' }
}

async function deleteOne(call: S3Call, key: string | AwsError): Promise<Outcome> {
  if (key instanceof AwsError) return { key: key.details['Key'] ?? '', error: key }
  const { bucket, objects } = call
  try {
    requireKey(key)
    await authorize(call, 's3:DeleteObject', { bucket, key })
    await objects.deleteObject(bucket, key)
    return { key }
  } catch (error) {
    // one key's refusal is a line of the answer; a bucket that is not there is the answer
    if (error instanceof AwsError && error.code !== 'NoSuchBucket') return { key, error }
    throw error
  }
}

function report({ key, error }: Outcome, isQuiet: boolean): XmlElements[] {
  if (error) {
    const fields = elements({ Key: key, Code: error.code, Message: error.message })
    return [elements({ Error: fields })]
  }
  return isQuiet ? [] : [elements({ Deleted: elements({ Key: key }) })]
}

function noSuchVersion(key: string): AwsError {
  return new AwsError('NoSuchVersion', 'there is no such version: buckets here keep none', {
    status: 404,
    details: { Key: key },
  })
}
