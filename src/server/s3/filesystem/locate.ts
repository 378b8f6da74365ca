/** Finds the data file of a key: in the plain tree, else in the encoded one. Symbolic links are not followed. */
import { constants, type BigIntStats } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { sha256Hex } from '../../../protocol/digest.ts'
import type { ObjectInfo } from '../request/object-store.ts'
import { noSuchBucket } from '../request/errors.ts'
import { bucketFolder, encodedFolder, orAbsent, orAbsentAtOnce, type Disk } from './disk.ts'
import type { FileSystem, QuickCalls, StoreFile } from './file-system.ts'
import { headKey } from './index-keys.ts'
import { encodeKey, isPlainKey } from './key-names.ts'
import { readVersioning } from './versioning.ts'
import { decodeHead, type Head, type ObjectRecord, pickRecord } from './records.ts'
import type { FileIdentity } from './staging.ts'

export interface LocatedObject {
  readonly path: string
  readonly info: ObjectInfo
  readonly head: Head | undefined
  readonly record: ObjectRecord | undefined
  /** Identity of the data file when it was read. */
  readonly identity: FileIdentity
  /** The place of a version that is not the current object. */
  readonly slot?: string | undefined
}

export interface OpenedObject extends LocatedObject {
  readonly handle: StoreFile
}

/** Retries when a write happened between reading the data file and its record. */
const maxLooks = 4

/** Returns the object of the key without opening it. */
export async function findObject(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<LocatedObject | undefined> {
  const found = findAtOnce(disk, bucket, key)
  if (found) return found
  return lookAgain(disk, async () => {
    for await (const path of candidatePaths(disk, bucket, key)) {
      const stats = await orAbsent(disk.fs.lstat(path, { bigint: true }))
      if (stats?.isFile()) return describeFile(disk, { bucket, key, path, stats })
    }
    return undefined
  })
}

/** Opens the object of the key. The caller closes the handle. */
export async function openDataFile(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<OpenedObject | undefined> {
  let opened = openAtOnce(disk, bucket, key)
  if (opened) return opened
  await lookAgain(disk, async () => {
    await opened?.handle.close()
    opened = await openOnce(disk, bucket, key)
    return opened
  })
  return opened
}

/** Describes the object of a data file; without a record, only by what the file itself shows. */
export function describeFile(
  disk: Disk,
  file: { bucket: string; key: string; path: string; stats: BigIntStats },
): LocatedObject {
  const { bucket, key, path, stats } = file
  const identity = identify(stats)
  const head = readHead(disk, bucket, key)
  const record = head && pickRecord(head.records, identity)
  const info = describeRecord(disk, file, record ?? describeForeign(identity))
  return { path, head, record, identity, info }
}

/** Describes a file that was put there by hand. */
function describeForeign(file: FileIdentity): ObjectRecord {
  const metadata = { contentType: 'binary/octet-stream', headers: {}, userMetadata: {} }
  return { file, facts: { etag: deriveEtag(file) }, metadata }
}

/** Returns the record of an object; a file that was put there by hand gets its first one. */
export function toRecord({ record, identity, info }: LocatedObject): ObjectRecord {
  return record ?? { file: identity, facts: { etag: info.etag }, metadata: info.metadata }
}

/** Returns the head of a key; undefined if the index does not know the key. */
export function readHead({ index }: Disk, bucket: string, key: string): Head | undefined {
  return decodeHead(index.get(headKey(bucket, key)))
}

/** Returns a time of the file system in milliseconds. The last digits are cut off, not rounded, as a clock does. */
function toMilliseconds(timeNs: string): number {
  return Math.round(Number(timeNs.slice(0, -3)) / 1000)
}

/** Describes an object or a version by its record. */
export function describeRecord(
  disk: Disk,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  { file, facts, metadata, versionId, lock }: ObjectRecord,
): ObjectInfo {
  const { size, mtimeNs } = file
  const lastModifiedMs = toMilliseconds(mtimeNs)
  // An object from before is the version `null` of a bucket that has got versions.
  const shown = versionId ?? (readVersioning(disk, bucket) === undefined ? undefined : 'null')
  const { etag, checksum, partSizes, partChecksums } = facts
  // Written out, because a spread costs more than all the rest; every request describes an object.
  return {
    etag,
    checksum,
    partSizes,
    partChecksums,
    key,
    size,
    lastModifiedMs,
    metadata,
    versionId: shown,
    lock,
  }
}

/** O_NONBLOCK: a named pipe in the folder must not block a request forever. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Folders up to this depth are looked at one by one, which costs less than the real path of the whole. */
const maxLookedAt = 3

/**
 * Opens the object of the key by synchronous calls.
 *
 * @returns Undefined if it has to be looked for otherwise: it is not a plain file, it has no record, it is missing, or the disk is slow.
 */
function openAtOnce(disk: Disk, bucket: string, key: string): OpenedObject | undefined {
  const quick = disk.fs.findQuickCalls?.()
  if (quick === undefined || !isPlainKey(key)) return undefined
  const path = join(bucketFolder(disk.root, bucket), key)
  const opened = orAbsentAtOnce(() => {
    return isReal(disk, quick, dirname(path)) ? quick.open(path, openFlags) : undefined
  })
  if (opened === undefined) return undefined
  let isKept = false
  try {
    const { handle, stats } = opened
    const found = stats.isFile() ? describeFile(disk, { bucket, key, path, stats }) : undefined
    isKept = found?.record !== undefined
    if (!found || !isKept) return undefined
    const { info, head, record, identity } = found
    return { path, info, head, record, identity, handle }
  } finally {
    if (!isKept) void opened.handle.close()
  }
}

/** Finds the object of the key without opening it, by synchronous calls. @see openAtOnce */
function findAtOnce(disk: Disk, bucket: string, key: string): LocatedObject | undefined {
  const quick = disk.fs.findQuickCalls?.()
  if (quick === undefined || !isPlainKey(key)) return undefined
  const path = join(bucketFolder(disk.root, bucket), key)
  const stats = orAbsentAtOnce(() => {
    return isReal(disk, quick, dirname(path)) ? quick.lstat(path) : undefined
  })
  const found = stats?.isFile() ? describeFile(disk, { bucket, key, path, stats }) : undefined
  return found?.record && found
}

/** Returns whether a path below the root is a folder, with no symbolic link on the way. The root itself has none. */
function isReal({ root }: Disk, quick: QuickCalls, folder: string): boolean {
  const names = folder.slice(root.length + 1).split(sep)
  if (names.length > maxLookedAt) return quick.realpath(folder) === folder
  let path = root
  return names.every((name) => {
    path = `${path}${sep}${name}`
    return quick.lstat(path)?.isDirectory() === true
  })
}

async function openOnce(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<OpenedObject | undefined> {
  for await (const path of candidatePaths(disk, bucket, key)) {
    const opened = await openFile(disk, path)
    if (!opened) continue
    const { handle, stats } = opened
    return { ...describeFile(disk, { bucket, key, path, stats }), handle }
  }
  return undefined
}

/** Opens a file; undefined for anything else. The caller closes the handle. */
export async function openFile(
  { fs }: Pick<Disk, 'fs'>,
  path: string,
): Promise<{ readonly handle: StoreFile; readonly stats: BigIntStats } | undefined> {
  const handle = await orAbsent(fs.open(path, openFlags))
  if (!handle) return undefined
  let isKept = false
  try {
    const stats = await handle.stat({ bigint: true })
    isKept = stats.isFile()
    return isKept ? { handle, stats } : undefined
  } finally {
    if (!isKept) await handle.close()
  }
}

/** Retries for a file without a record, which may be half of a write in progress, until nothing changes. */
async function lookAgain<T extends LocatedObject>(
  { index }: Disk,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  let found = await look()
  for (let looks = 1; looks < maxLooks && found && !found.record; looks += 1) {
    const before = found.info.etag
    index.refresh()
    found = await look()
    if (found?.info.etag === before) break
  }
  return found
}

/** Returns the path of a key in the tree of those that cannot be plain files. */
export function encodedFile({ root }: Disk, bucket: string, key: string): string {
  return join(encodedFolder(root, bucket), encodeKey(key))
}

/** Yields where the data file of a key can be: in the plain tree, else in the encoded one. */
async function* candidatePaths(disk: Disk, bucket: string, key: string): AsyncGenerator<string> {
  if (isPlainKey(key)) {
    const plain = join(bucketFolder(disk.root, bucket), key)
    if (await isRealFolder(disk.fs, dirname(plain))) yield plain
  }
  yield encodedFile(disk, bucket, key)
}

/** Returns whether the path is a folder, with no symbolic link on the way. */
export async function isRealFolder(fs: FileSystem, path: string): Promise<boolean> {
  return (await orAbsent(fs.realpath(path))) === path
}

/** Returns the identity of a file. */
export function identify(stats: BigIntStats): FileIdentity {
  return {
    size: Number(stats.size),
    mtimeNs: String(stats.mtimeNs),
    inode: String(stats.ino),
  }
}

/**
 * Returns an ETag for a file that was put there by hand. It changes when the file does. Its `-1` tells clients that it is not the MD5,
 * which would need the whole file to be read each time.
 */
function deriveEtag(file: FileIdentity): string {
  const text = `${file.inode} ${file.size} ${file.mtimeNs}`
  return `${sha256Hex(text).slice(0, 32)}-1`
}

/** @throws {AwsError} `NoSuchBucket`. */
export async function requireBucket(disk: Disk, bucket: string): Promise<void> {
  const stats = await orAbsent(disk.fs.lstat(bucketFolder(disk.root, bucket)))
  if (!stats?.isDirectory()) throw noSuchBucket(bucket)
}
