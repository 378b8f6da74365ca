/** The headers that say when the lifecycle of a bucket removes an object or an upload. */
import { createDocumentReader } from './document-reader.ts'
import { decodeLifecycle } from './lifecycle-document.ts'
import {
  describeAbortion,
  describeExpiry,
  findAbortion,
  findExpiry,
  type LifecycleRule,
} from './lifecycle-rule.ts'
import type { ObjectInfo, ObjectStore, UploadInfo } from './object-store.ts'
import type { S3Call } from './s3-operation.ts'

type Place = Pick<S3Call, 'objects' | 'bucket'>

type ReadRules = (bucket: string) => readonly LifecycleRule[] | undefined

const readers = new WeakMap<ObjectStore, ReadRules>()

/** Returns `x-amz-expiration` of a current version that a rule will expire (AWS, "GetObject", "PutObject"). */
export function describeExpiration(place: Place, info: ObjectInfo): Record<string, string> {
  return prepareExpiration(place)(info)
}

/** Returns a function as `describeExpiration`, which cannot fail after an object was written. */
export function prepareExpiration(place: Place): (info: ObjectInfo) => Record<string, string> {
  const rules = findRules(place)
  return (info) => describeExpiry(findExpiry(rules, info))
}

/** Returns `x-amz-abort-date` and `x-amz-abort-rule-id` of an upload that a rule will remove (AWS, "CreateMultipartUpload"). */
export function describeUploadExpiration(
  place: Place,
  upload: Pick<UploadInfo, 'key' | 'initiatedAtMs'>,
): Record<string, string> {
  return describeAbortion(findAbortion(findRules(place), upload))
}

function findRules({ objects, bucket }: Place): readonly LifecycleRule[] {
  const read = readers.get(objects) ?? createDocumentReader(objects, 'lifecycle', readRules)
  readers.set(objects, read)
  return read(bucket) ?? []
}

/** A damaged document is reported by the pass; it must not make the objects unreadable. */
function readRules(text: string): readonly LifecycleRule[] {
  try {
    return decodeLifecycle(text).rules
  } catch {
    return []
  }
}
