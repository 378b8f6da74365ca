/**
 * A store whose sizes are those of the plaintext. The store underneath knows the size of what it holds, which is larger for an object that is
 * encrypted with a customer's key. `readInto` still reads what is stored.
 */
import { findPlainSize } from '../body/encryption.ts'
import type { ListEntry, VersionListEntry } from '../request/object-lists.ts'
import type {
  ObjectInfo,
  ObjectStore,
  OpenObject,
  PartInfo,
  PutOptions,
  UploadInfo,
} from '../request/object-store.ts'

/** Returns the store with plaintext sizes in all that it returns, and in what it gives to preconditions. */
export function withPlainSizes(store: ObjectStore): ObjectStore {
  const plain: Partial<ObjectStore> = {
    statObject: async (...at) => toPlainOrNone(await store.statObject(...at)),
    openObject: async (...at) => toPlainObject(await store.openObject(...at)),
    putObject: async (bucket, key, content, options) => {
      return toPlain(await store.putObject(bucket, key, content, withPlainCurrent(options)))
    },
    copyObject: async (bucket, key, content, options) => {
      return toPlain(await store.copyObject(bucket, key, content, withPlainCurrent(options)))
    },
    listObjects: async (...of) => {
      const listing = await store.listObjects(...of)
      return { ...listing, entries: listing.entries.map(toPlainEntry) }
    },
    listVersions: async (...of) => {
      const listing = await store.listVersions(...of)
      return { ...listing, entries: listing.entries.map(toPlainEntry) }
    },
    deleteObject: (bucket, key, options = {}) =>
      store.deleteObject(bucket, key, withPlainCurrent(options)),
    putPart: async (upload, ...more) => toPlainPart(upload, await store.putPart(upload, ...more)),
    copyPart: async (upload, ...more) => toPlainPart(upload, await store.copyPart(upload, ...more)),
    listParts: async (upload, page) => {
      const parts = await store.listParts(upload, page)
      return parts.map((part) => toPlainPart(upload, part))
    },
    completeUpload: async (upload, parts, options) => {
      return toPlain(await store.completeUpload(upload, parts, withPlainCurrent(options)))
    },
    findCompleted: async (...at) => {
      const completed = await store.findCompleted(...at)
      return completed && { ...completed, info: toPlain(completed.info) }
    },
  }
  // What is not listed here stays the store's own, as it is when it is called.
  return Object.assign(Object.create(store) as ObjectStore, plain)
}

function toPlain(info: ObjectInfo): ObjectInfo {
  const { encryption } = info.metadata
  if (encryption?.kind !== 'SSE-C') return info
  return { ...info, size: findPlainSize(info.size, encryption, info) }
}

function toPlainOrNone(info: ObjectInfo | undefined): ObjectInfo | undefined {
  return info && toPlain(info)
}

function toPlainObject(object: OpenObject | undefined): OpenObject | undefined {
  if (object?.info.metadata.encryption?.kind !== 'SSE-C') return object
  return { ...object, info: toPlain(object.info) }
}

function toPlainEntry<T extends ListEntry | VersionListEntry>(entry: T): T {
  return entry.kind === 'object' ? { ...entry, info: toPlain(entry.info) } : entry
}

function toPlainPart({ metadata }: UploadInfo, part: PartInfo): PartInfo {
  if (metadata.encryption?.kind !== 'SSE-C') return part
  return { ...part, size: findPlainSize(part.size, metadata.encryption) }
}

function withPlainCurrent<T extends Pick<PutOptions, 'precondition'>>(options: T): T {
  const { precondition } = options
  if (!precondition) return options
  return { ...options, precondition: (current) => precondition(toPlainOrNone(current)) }
}
