/** Reads, replaces and removes an object's tags: /bucket/key?tagging. */
import { readPayload } from '../body/payload.ts'
import { noSuchKey } from '../request/errors.ts'
import { nameVersionAction } from '../request/action-rules.ts'
import {
  authorize,
  authorizeSomeKey,
  openBody,
  type S3Call,
  type S3Operation,
} from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { checkTags } from '../request/tag-header.ts'
import { describeTagSet, readTagSet } from '../request/tag-set.ts'
import { describeVersion, readVersionId } from '../request/versions.ts'
import { taggingLimits } from '../request/xml-limits.ts'

/** GET /bucket/key?tagging. An object without tags has an empty set. */
export const getObjectTagging: S3Operation = {
  name: 'GetObjectTagging',
  action: 's3:GetObjectTagging',
  async run(call) {
    const info = await call.objects.statObject(call.bucket, call.key, readVersionId(call))
    if (!info) throw noSuchKey(call.key)
    const content = describeTagSet(info.metadata.tags ?? {})
    return xmlReply('Tagging', content, describeVersion(info))
  },
}

/**
 * PUT /bucket/key?tagging. Replaces the object's tags. It authorizes itself, because policies may depend on the tags in the body
 * (`s3:RequestObjectTag/NAME`); the body of a caller who could not be allowed whatever it says is not read.
 */
export const putObjectTagging: S3Operation = {
  name: 'PutObjectTagging',
  action: undefined,
  async run(call) {
    const plain = 's3:PutObjectTagging'
    const action = call.query.has('versionId') ? nameVersionAction(plain) : plain
    await authorizeSomeKey(call, [action])
    const payload = openBody(call, { maxBytes: taggingLimits.maxBytes })
    const requestTags = readTagging((await readPayload(payload)).toString())
    await authorize({ ...call, requestTags }, action)
    return { status: 200, headers: await replace(call, requestTags) }
  },
}

/** DELETE /bucket/key?tagging */
export const deleteObjectTagging: S3Operation = {
  name: 'DeleteObjectTagging',
  action: 's3:DeleteObjectTagging',
  async run(call) {
    return { status: 204, headers: await replace(call, undefined) }
  },
}

/** @returns The header that names the version. */
async function replace(
  call: S3Call,
  tags: Record<string, string> | undefined,
): Promise<Record<string, string>> {
  const { bucket, key, objects } = call
  const versionId = readVersionId(call)
  const info = await objects.statObject(bucket, key, versionId)
  const isThere = info && (await objects.replaceTags(bucket, key, tags, versionId))
  if (isThere !== true) throw noSuchKey(key)
  return describeVersion(info)
}

/** Reads a `Tagging` document. @throws {AwsError} `MalformedXML`, and as `checkTags`. */
export function readTagging(text: string): Record<string, string> {
  return checkTags(readTagSet(text))
}
