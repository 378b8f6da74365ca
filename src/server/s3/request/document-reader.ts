import type { BucketDocument, ObjectStore } from './object-store.ts'

/** The most buckets whose parsed documents are kept in memory. */
const maxKept = 1024

/**
 * Returns a function that reads a setting of a bucket; undefined if it is not set or there is no such bucket. The document is read each time, because
 * another process may have written it; it is parsed again only when it was changed. The function throws what `parse` throws.
 */
export function createDocumentReader<Value>(
  objects: ObjectStore,
  name: BucketDocument,
  parse: (text: string, bucket: string) => Value,
): (bucket: string) => Value | undefined {
  const kept = new Map<string, { readonly text: string; readonly value: Value }>()
  return (bucket) => {
    const text = objects.findBucketDocument(bucket, name)
    if (text === undefined) return undefined
    const known = kept.get(bucket)
    if (known?.text === text) return known.value
    const value = parse(text, bucket)
    if (kept.size >= maxKept) kept.clear()
    kept.set(bucket, { text, value })
    return value
  }
}
