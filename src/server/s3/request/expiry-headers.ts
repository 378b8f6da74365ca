/** The headers that say when the lifecycle of a bucket removes an object or an upload. */
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

/** The most buckets of a store whose rules are kept in memory. */
const maxKept = 256

interface Kept {
  readonly text: string
  readonly rules: readonly LifecycleRule[]
}

const keptByStore = new WeakMap<ObjectStore, Map<string, Kept>>()

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

/** The document is read each time, because another process may have written it; it is parsed again only when it was changed. */
function findRules({ objects, bucket }: Place): readonly LifecycleRule[] {
  const text = objects.findBucketDocument(bucket, 'lifecycle')
  if (text === undefined) return []
  const kept = keptByStore.get(objects) ?? new Map<string, Kept>()
  keptByStore.set(objects, kept)
  const known = kept.get(bucket)
  if (known?.text === text) return known.rules
  const rules = readRules(text)
  if (kept.size >= maxKept) kept.clear()
  kept.set(bucket, { text, rules })
  return rules
}

/** A damaged document is reported by the pass; it must not make the objects unreadable. */
function readRules(text: string): readonly LifecycleRule[] {
  try {
    return decodeLifecycle(text).rules
  } catch {
    return []
  }
}
