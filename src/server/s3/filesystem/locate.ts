/** Finds the data file of a key: in the plain tree, else in the encoded one; never through a symbolic link. */
import { constants, type BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256Hex } from '../../../protocol/digest.ts'
import type { ObjectInfo } from '../request/object-store.ts'
import { bucketFolder, encodedFolder, orAbsent, type Disk } from './disk.ts'
import type { FileSystem } from './file-system.ts'
import { encodeKey, isPlainKey } from './key-names.ts'
import type { ObjectRecord } from './sidecars.ts'
import type { FileIdentity } from './staging.ts'

export interface LocatedObject {
  readonly path: string
  readonly info: ObjectInfo
  readonly record: ObjectRecord | undefined
  /** Of the data file, as it was seen. */
  readonly identity: FileIdentity
}

export interface OpenedObject extends LocatedObject {
  readonly handle: FileHandle
}

/** Times to look again when a write came between the data file and its sidecar. */
const maxLooks = 4

/** What the key holds, without opening it. */
export async function findObject(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<LocatedObject | undefined> {
  return lookAgain(async () => {
    for (const path of await candidatePaths(disk, bucket, key)) {
      const stats = await orAbsent(disk.fs.lstat(path, { bigint: true }))
      if (stats?.isFile()) return describeFile(disk, { bucket, key, path, stats })
    }
    return undefined
  })
}

/** Opens what the key holds; the caller closes the handle. */
export async function openDataFile(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<OpenedObject | undefined> {
  let opened: OpenedObject | undefined
  await lookAgain(async () => {
    await opened?.handle.close()
    opened = await openOnce(disk, bucket, key)
    return opened
  })
  return opened
}

/** The object a data file stands for, given its state; without a record, what the file alone tells. */
export async function describeFile(
  disk: Disk,
  file: { bucket: string; key: string; path: string; stats: BigIntStats },
): Promise<LocatedObject> {
  const { bucket, key, path, stats } = file
  const identity = identify(stats)
  const record = await disk.sidecars.find(bucket, key, identity)
  const lastModifiedMs = Math.round(Number(stats.mtimeNs / 1000n) / 1000)
  const size = identity.size
  if (record) {
    const { facts, metadata } = record
    return { path, record, identity, info: { ...facts, key, size, lastModifiedMs, metadata } }
  }
  const metadata = { contentType: 'binary/octet-stream', headers: {}, userMetadata: {} }
  const etag = inventEtag(identity)
  return { path, record, identity, info: { key, size, lastModifiedMs, metadata, etag } }
}

async function openOnce(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<OpenedObject | undefined> {
  // O_NONBLOCK: a named pipe left in the folder must not hold a request for ever
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  for (const path of await candidatePaths(disk, bucket, key)) {
    const handle = await orAbsent(disk.fs.open(path, flags))
    if (!handle) continue
    let isKept = false
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile()) continue
      const located = await describeFile(disk, { bucket, key, path, stats })
      isKept = true
      return { ...located, handle }
    } finally {
      if (!isKept) await handle.close()
    }
  }
  return undefined
}

/** A file that has no record may be half of a write that is just happening: look until nothing moves. */
async function lookAgain<T extends LocatedObject>(
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  let found = await look()
  for (let looks = 1; looks < maxLooks && found && !found.record; looks += 1) {
    const before = found.info.etag
    found = await look()
    if (found?.info.etag === before) break
  }
  return found
}

async function candidatePaths(disk: Disk, bucket: string, key: string): Promise<string[]> {
  const encoded = join(encodedFolder(disk.root, bucket), encodeKey(key))
  if (!isPlainKey(key)) return [encoded]
  const plain = join(bucketFolder(disk.root, bucket), key)
  return (await isRealFolder(disk.fs, dirname(plain))) ? [plain, encoded] : [encoded]
}

/** Whether the path is a folder reached through no symbolic link. */
export async function isRealFolder(fs: FileSystem, path: string): Promise<boolean> {
  return (await orAbsent(fs.realpath(path))) === path
}

function identify(stats: BigIntStats): FileIdentity {
  return {
    size: Number(stats.size),
    mtimeNs: String(stats.mtimeNs),
    inode: String(stats.ino),
  }
}

/**
 * An ETag for a file put there by hand: changes when the file does, and by its `-1` no client takes it for the MD5, which
 * would cost reading the whole file at each look.
 */
function inventEtag(file: FileIdentity): string {
  const text = `${file.inode} ${file.size} ${file.mtimeNs}`
  return `${sha256Hex(text).slice(0, 32)}-1`
}
