/**
 * What is known about each object beside its bytes, one JSON file an object under `.sts-cli/metadata`.
 *
 * Two files cannot be replaced in one step, so a sidecar holds the record of the new bytes and that of the ones they replace,
 * each with the identity (size, time of change, inode) of the data file it speaks of. It is written first; the data file's
 * rename then is the one instant at which the object changes, and a crash on either side of it leaves a true pair; each is on
 * disk, with its name, before the next begins. Bytes that no record fits were put there by hand.
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

/** What we know of one state of a data file. */
export interface ObjectRecord {
  readonly file: FileIdentity
  readonly facts: ContentFacts
  readonly metadata: ObjectMetadata
}

export interface Sidecars {
  /** The record that fits the file; undefined when none does. */
  find(bucket: string, key: string, file: FileIdentity): Promise<ObjectRecord | undefined>
  /** Keeps these records, the newest first, in place of all others. */
  write(bucket: string, key: string, records: readonly ObjectRecord[]): Promise<void>
  remove(bucket: string, key: string): Promise<void>
}

/** Records kept in memory: HEAD, GET and lists of what is in use need no second file. */
const maxCached = 10_000

/**
 * @param options.isCaching false where another process may change an object's tags, which leave its file as it was.
 */
export function createSidecars(storage: Storage, { isCaching } = { isCaching: true }): Sidecars {
  const { root, fs } = storage
  const cache = new Map<string, readonly ObjectRecord[]>()
  /** The last look at each file that is being read: one that a change has overtaken is not to be remembered. */
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
      // a cached record that fits is true, whoever else writes this folder: it names the very file
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
      // where it fails, either may lie there
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

/** By size and time of change, the inode breaking ties: a backup that was copied back has other inodes. */
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
    facts: { etag, checksum: readChecksum(facts['checksum']), partSizes: readSizes(facts) },
    metadata: readMetadata(metadata),
  }
}

function readSizes(facts: JsonObject): number[] | undefined {
  const sizes = facts['partSizes']
  return Array.isArray(sizes) ? sizes.filter((size) => typeof size === 'number') : undefined
}

/** Narrows a checksum from our own JSON. */
export function readChecksum(value: unknown): Checksum | undefined {
  if (!isObject(value)) return undefined
  const algorithm = readAlgorithm(readString(value, 'algorithm') ?? '')
  const text = readString(value, 'value')
  if (algorithm === undefined || text === undefined) return undefined
  const isComposite = value['type'] === 'COMPOSITE'
  return { algorithm, value: text, type: isComposite ? 'COMPOSITE' : 'FULL_OBJECT' }
}

/** Narrows an object's metadata from our own JSON. */
export function readMetadata(json: JsonObject): ObjectMetadata {
  const tags = json['tags']
  return {
    contentType: readString(json, 'contentType') ?? 'binary/octet-stream',
    headers: readTexts(json['headers']),
    userMetadata: readTexts(json['userMetadata']),
    ...(isObject(tags) ? { tags: readTexts(tags) } : {}),
  }
}

function readTexts(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => {
      return typeof entry[1] === 'string'
    }),
  )
}
