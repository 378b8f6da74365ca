/**
 * What the index knows about objects.
 *
 * The head of a key has the record of its current object, and that of the object which this replaced: a commit to the index and the change of a file are
 * two steps, and until the second one the file is still the older object's. Each record has the identity (size, modification time, inode) of its
 * data file. Bytes that match no record were put there by hand.
 *
 * In a bucket with versioning, each version that is not the current object has an entry of its own, and so has each delete marker.
 */
import { randomBytes } from 'node:crypto'
import {
  isObject,
  type JsonObject,
  parseJsonObject,
  readNumber,
  readString,
} from '../../../base/parse.ts'
import { readAlgorithm } from '../body/checksum.ts'
import type { Checksum, ContentFacts } from '../body/object-content.ts'
import type { ObjectLock } from '../request/object-lock.ts'
import type { ObjectMetadata } from '../request/object-store.ts'
import { slotChars } from './index-keys.ts'
import type { FileIdentity } from './staging.ts'

/** The metadata of one state of a data file. */
export interface ObjectRecord {
  readonly file: FileIdentity
  readonly facts: ContentFacts
  readonly metadata: ObjectMetadata
  /** Set if the object was joined from the parts of an upload. */
  readonly completion?: Completion | undefined
  /** Undefined for an object that was written before its bucket had versioning. */
  readonly versionId?: string | undefined
  readonly lock?: ObjectLock | undefined
}

/** A completed upload. */
export interface Completion {
  readonly uploadId: string
  /** A digest of the numbers and ETags of the parts. */
  readonly parts: string
}

/** The head of a key. */
export interface Head {
  /** Grows with each change of the current object: microseconds by the server's clock, or a little more than before. */
  readonly sequence: number
  /** The newest first. Empty if there is no current object. */
  readonly records: readonly ObjectRecord[]
  /** The slot of the version `null`, if it is not the current object. */
  readonly nullSlot?: string | undefined
}

/** An entry of a version that is not the current object. */
export interface VersionEntry {
  readonly versionId: string
  readonly lastModifiedMs: number
  /** Undefined for a delete marker. */
  readonly record: ObjectRecord | undefined
}

const largestSequence = Number.MAX_SAFE_INTEGER
const sequenceChars = 14

/** Returns the sequence of the next change of a key. The one before it is free for another entry of the same change. */
export function nextSequence(head: Head | undefined, nowMs: number): number {
  return Math.max((head?.sequence ?? 0) + 3, Math.floor(nowMs) * 1000)
}

/** Returns a version ID that nobody can guess. The IDs of a key, sorted as texts, begin with the newest. */
export function makeVersionId(sequence: number): string {
  const random = randomBytes((slotChars - sequenceChars) / 2).toString('hex')
  return encodeSequence(sequence) + random
}

/** Returns the place of a version `null` among the versions of its key. */
export function makeNullSlot(sequence: number): string {
  return encodeSequence(sequence).padEnd(slotChars, 'n')
}

/** Returns whether a text has the form of the version IDs that this store makes. */
export function isOwnVersionId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function encodeSequence(sequence: number): string {
  return (largestSequence - sequence).toString(16).padStart(sequenceChars, '0')
}

export function encodeHead(head: Head): Buffer {
  return Buffer.from(JSON.stringify(head))
}

/** The heads that were decoded last, by their bytes as Latin-1. */
const decodedHeads = new Map<string, Head>()
/** The most heads that are kept, and their longest text: together some megabytes. */
const maxDecodedHeads = 2048
const maxKeptChars = 2048

/** Returns the head of a key; undefined if it cannot be read. The same bytes, as of an object that is read again and again, are parsed once. */
export function decodeHead(bytes: Buffer | undefined): Head | undefined {
  if (bytes === undefined || bytes.length > maxKeptChars) return parseHead(bytes)
  const text = bytes.toString('latin1')
  const known = decodedHeads.get(text)
  if (known !== undefined) return known
  const head = parseHead(bytes)
  if (decodedHeads.size >= maxDecodedHeads) decodedHeads.clear()
  if (head) decodedHeads.set(text, head)
  return head
}

function parseHead(bytes: Buffer | undefined): Head | undefined {
  const json = bytes && parseJsonObject(bytes.toString())
  if (!json || !Array.isArray(json['records'])) return undefined
  return {
    sequence: readNumber(json, 'sequence') ?? 0,
    records: readRecords(json['records']),
    nullSlot: readString(json, 'nullSlot'),
  }
}

export function encodeVersion(entry: VersionEntry): Buffer {
  return Buffer.from(JSON.stringify(entry))
}

export function decodeVersion(bytes: Buffer | undefined): VersionEntry | undefined {
  const json = bytes && parseJsonObject(bytes.toString())
  const versionId = json && readString(json, 'versionId')
  if (!json || versionId === undefined) return undefined
  const { record } = json
  return {
    versionId,
    lastModifiedMs: readNumber(json, 'lastModifiedMs') ?? 0,
    record: isObject(record) ? readRecord(record) : undefined,
  }
}

/** Matches by size and modification time; the inode only breaks ties, because a restored backup has other inodes. */
export function pickRecord(
  records: readonly ObjectRecord[],
  file: FileIdentity,
): ObjectRecord | undefined {
  const fitting = records.filter(({ file: known }) => {
    return known.size === file.size && known.mtimeNs === file.mtimeNs
  })
  return fitting.find((record) => record.file.inode === file.inode) ?? fitting[0]
}

/** Reads records from the store's own JSON, without those that cannot be read. */
export function readRecords(values: readonly unknown[]): ObjectRecord[] {
  return values.filter(isObject).flatMap((record) => readRecord(record) ?? [])
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
    versionId: readString(json, 'versionId'),
    lock: readLock(json['lock']),
  }
}

function readCompletion(value: unknown): Completion | undefined {
  if (!isObject(value)) return undefined
  const uploadId = readString(value, 'uploadId')
  const parts = readString(value, 'parts')
  return uploadId === undefined || parts === undefined ? undefined : { uploadId, parts }
}

/** Reads a lock from the store's own JSON. A retention or a legal hold that cannot be read holds forever, because it must not be lost. */
export function readLock(value: unknown): ObjectLock | undefined {
  if (!isObject(value)) return undefined
  const hold: unknown = value['hasLegalHold']
  const hasLegalHold = hold === undefined ? undefined : hold !== false
  const retention = value['retention']
  if (retention === undefined) return { hasLegalHold }
  const mode = isObject(retention) ? readString(retention, 'mode') : undefined
  const retainUntilMs = isObject(retention) ? readNumber(retention, 'retainUntilMs') : undefined
  if ((mode === 'GOVERNANCE' || mode === 'COMPLIANCE') && retainUntilMs !== undefined)
    return { hasLegalHold, retention: { mode, retainUntilMs } }
  const forever = Date.UTC(9999, 11, 31)
  return { hasLegalHold, retention: { mode: 'COMPLIANCE', retainUntilMs: forever } }
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
