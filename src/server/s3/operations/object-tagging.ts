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
import { requireNullVersion } from '../request/versions.ts'
import { taggingLimits } from '../request/xml-limits.ts'

/** GET /bucket/key?tagging. An object without tags has an empty set. */
export const getObjectTagging: S3Operation = {
  name: 'GetObjectTagging',
  action: 's3:GetObjectTagging',
  async run(call) {
    requireNullVersion(call)
    const info = await call.objects.statObject(call.bucket, call.key)
    if (!info) throw noSuchKey(call.key)
    return xmlReply('Tagging', describeTagSet(info.metadata.tags ?? {}))
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
    requireNullVersion(call)
    await replace(call, requestTags)
    return { status: 200 }
  },
}

/** DELETE /bucket/key?tagging */
export const deleteObjectTagging: S3Operation = {
  name: 'DeleteObjectTagging',
  action: 's3:DeleteObjectTagging',
  async run(call) {
    requireNullVersion(call)
    await replace(call, undefined)
    return { status: 204 }
  },
}

async function replace(call: S3Call, tags: Record<string, string> | undefined): Promise<void> {
  const isThere = await call.objects.replaceTags(call.bucket, call.key, tags)
  if (!isThere) throw noSuchKey(call.key)
}

/** Reads a `Tagging` document. @throws {AwsError} `MalformedXML`, and as `checkTags`. */
export function readTagging(text: string): Record<string, string> {
  return checkTags(readTagSet(text))
}
