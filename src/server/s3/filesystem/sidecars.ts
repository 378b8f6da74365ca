/**
 * The metadata of objects: one JSON file (sidecar) for each object under `.sts-cli/metadata`.
 *
 * Two files cannot be replaced in one step. So a sidecar has the record of the new bytes and that of the bytes they replace, each with
 * the identity (size, modification time, inode) of its data file. The sidecar is written first, then the data file is renamed: the object
 * changes at that instant, and a crash before or after it leaves a matching pair. Each step is synced to disk before the next begins. Bytes
 * that match no record were put there by hand.
 */
import { join } from 'node:path'
import { sha256Hex } from '../../../protocol/digest.ts'
import { isObject, parseJsonObject, readNumber, readString } from '../../../base/parse.ts'
import type { JsonObject } from '../../../base/parse.ts'
import { readAlgorithm } from '../body/checksum.ts'
import type { Checksum, ContentFacts } from '../body/object-content.ts'
import type { ObjectMetadata } from '../request/object-store.ts'
import { metadataFolder, orAbsent, type Storage } from './disk.ts'
import { discardFile, writeFileWhole, type FileIdentity } from './staging.ts'

/** The metadata of one state of a data file. */
export interface ObjectRecord {
  readonly file: FileIdentity
  readonly facts: ContentFacts
  readonly metadata: ObjectMetadata
  /** Set if the object was joined from the parts of an upload. */
  readonly completion?: Completion | undefined
}

/** A completed upload. */
export interface Completion {
  readonly uploadId: string
  /** A digest of the numbers and ETags of the parts. */
  readonly parts: string
}

export interface Sidecars {
  /** Returns the record that matches the file; undefined if none does. */
  find(bucket: string, key: string, file: FileIdentity): Promise<ObjectRecord | undefined>
  /** Replaces all records with these, the newest first. */
  write(bucket: string, key: string, records: readonly ObjectRecord[]): Promise<void>
  remove(bucket: string, key: string): Promise<void>
}

/** Number of cached records: HEAD, GET and lists of objects in use do not read the sidecar. */
const maxCached = 10_000

/**
 * @param options.isCaching false if another process may change an object's tags, which does not change its data file.
 */
export function createSidecars(storage: Storage, { isCaching } = { isCaching: true }): Sidecars {
  const { root, fs } = storage
  const cache = new Map<string, readonly ObjectRecord[]>()
  /** The latest read of each sidecar in progress. A read that a change has overtaken is not cached. */
  const looks = new Map<string, object>()

  function forget(path: string): void {
    cache.delete(path)
    looks.delete(path)
  }

  function remember(path: string, records: readonly ObjectRecord[]): void {
    if (!isCaching) return
    cache.delete(path)
    cache.set(path, records)
    if (cache.size <= maxCached) return
    for (const oldest of cache.keys()) {
      cache.delete(oldest)
      return
    }
  }

  return {
    async find(bucket, key, file) {
      const path = sidecarPath(root, bucket, key)
      // A cached record that matches is right, whatever other processes write here: it identifies the exact file.
      const cached = pickRecord(cache.get(path) ?? [], file)
      if (cached) return cached
      const look = {}
      looks.set(path, look)
      try {
        const text = await orAbsent(fs.readFile(path, 'utf8'))
        const records = text === undefined ? [] : readRecords(text, key)
        if (records.length > 0 && looks.get(path) === look) remember(path, records)
        return pickRecord(records, file)
      } finally {
        if (looks.get(path) === look) looks.delete(path)
      }
    },

    async write(bucket, key, records) {
      const path = sidecarPath(root, bucket, key)
      // If this fails, either version may be on disk.
      forget(path)
      await writeFileWhole(storage, path, JSON.stringify({ version: 1, key, records }))
      forget(path)
      remember(path, records)
    },

    async remove(bucket, key) {
      const path = sidecarPath(root, bucket, key)
      forget(path)
      await discardFile(storage, path)
      forget(path)
    },
  }
}

function sidecarPath(root: string, bucket: string, key: string): string {
  const name = sha256Hex(key)
  return join(metadataFolder(root, bucket), name.slice(0, 2), `${name.slice(2)}.json`)
}

/** Matches by size and modification time; the inode only breaks ties, because a restored backup has other inodes. */
function pickRecord(
  records: readonly ObjectRecord[],
  file: FileIdentity,
): ObjectRecord | undefined {
  const fitting = records.filter((record) => {
    return record.file.size === file.size && record.file.mtimeNs === file.mtimeNs
  })
  return fitting.find((record) => record.file.inode === file.inode) ?? fitting[0]
}

function readRecords(text: string, key: string): ObjectRecord[] {
  const json = parseJsonObject(text)
  if (!json || readString(json, 'key') !== key || !Array.isArray(json['records'])) return []
  return json['records'].filter(isObject).flatMap((record) => readRecord(record) ?? [])
}

function readRecord(json: JsonObject): ObjectRecord | undefined {
  const { file, facts, metadata } = json
  if (!isObject(file) || !isObject(facts) || !isObject(metadata)) return undefined
  const size = readNumber(file, 'size')
  const mtimeNs = readString(file, 'mtimeNs')
  const etag = readString(facts, 'etag')
  if (size === undefined || mtimeNs === undefined || etag === undefined) return undefined
  return {
    file: { size, mtimeNs, inode: readString(file, 'inode') ?? '' },
    facts: {
      etag,
      checksum: readChecksum(facts['checksum']),
      partSizes: readSizes(facts),
      partChecksums: readPartChecksums(facts),
    },
    metadata: readMetadata(metadata),
    completion: readCompletion(json['completion']),
  }
}

function readCompletion(value: unknown): Completion | undefined {
  if (!isObject(value)) return undefined
  const uploadId = readString(value, 'uploadId')
  const parts = readString(value, 'parts')
  return uploadId === undefined || parts === undefined ? undefined : { uploadId, parts }
}

function readSizes(facts: JsonObject): number[] | undefined {
  const sizes = facts['partSizes']
  return Array.isArray(sizes) ? sizes.filter((size) => typeof size === 'number') : undefined
}

function readPartChecksums(facts: JsonObject): string[] | undefined {
  const values = facts['partChecksums']
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : undefined
}

/** Reads a checksum from the store's own JSON. */
export function readChecksum(value: unknown): Checksum | undefined {
  if (!isObject(value)) return undefined
  const algorithm = readAlgorithm(readString(value, 'algorithm') ?? '')
  const text = readString(value, 'value')
  if (algorithm === undefined || text === undefined) return undefined
  const isComposite = value['type'] === 'COMPOSITE'
  return { algorithm, value: text, type: isComposite ? 'COMPOSITE' : 'FULL_OBJECT' }
}

/** Reads an object's metadata from the store's own JSON. */
export function readMetadata(json: JsonObject): ObjectMetadata {
  const tags = json['tags']
  return {
    contentType: readString(json, 'contentType') ?? 'binary/octet-stream',
    headers: readTexts(json['headers']),
    userMetadata: readTexts(json['userMetadata']),
    ...(isObject(tags) ? { tags: readTexts(tags) } : {}),
    ...readEncryption(json['encryption']),
  }
}

function readEncryption(value: unknown): Pick<ObjectMetadata, 'encryption'> {
  if (!isObject(value)) return {}
  const [id, verifier] = [readString(value, 'id'), readString(value, 'verifier')]
  if (value['kind'] === 'SSE-S3') return { encryption: { kind: 'SSE-S3' } }
  // Fails closed: without what tells the right key, no key is right.
  return { encryption: { kind: 'SSE-C', id: id ?? '', verifier: verifier ?? '' } }
}

function readTexts(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => {
      return typeof entry[1] === 'string'
    }),
  )
}
