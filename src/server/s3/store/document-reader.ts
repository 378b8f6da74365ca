import type { BucketDocument, ObjectStore } from '../request/object-store.ts'

/** The most buckets whose parsed documents are kept in memory. */
const maxKept = 1024

/**
 * Returns a function that reads a setting of a bucket; undefined if it is not set. The document is read each time, because another process may have
 * written it; it is parsed again only when it was changed.
 *
 * @throws {AwsError} `NoSuchBucket`, and what `parse` throws.
 */
export function createDocumentReader<Value>(
  objects: ObjectStore,
  name: BucketDocument,
  parse: (text: string, bucket: string) => Value,
): (bucket: string) => Promise<Value | undefined> {
  const kept = new Map<string, { readonly text: string; readonly value: Value }>()
  return async (bucket) => {
    const text = await objects.readBucketDocument(bucket, name)
    if (text === undefined) return undefined
    const known = kept.get(bucket)
    if (known?.text === text) return known.value
    const value = parse(text, bucket)
    if (kept.size >= maxKept) kept.clear()
    kept.set(bucket, { text, value })
    return value
  }
}
