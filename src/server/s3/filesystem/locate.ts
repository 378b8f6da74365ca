/** Finds the data file of a key: in the plain tree, else in the encoded one. Symbolic links are not followed. */
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
  /** Identity of the data file when it was read. */
  readonly identity: FileIdentity
}

export interface OpenedObject extends LocatedObject {
  readonly handle: FileHandle
}

/** Retries when a write happened between reading the data file and its sidecar. */
const maxLooks = 4

/** Returns the object of the key without opening it. */
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

/** Opens the object of the key. The caller closes the handle. */
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

/** Describes the object of a data file; without a record, only by what the file itself shows. */
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
  const etag = deriveEtag(identity)
  return { path, record, identity, info: { key, size, lastModifiedMs, metadata, etag } }
}

async function openOnce(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<OpenedObject | undefined> {
  // O_NONBLOCK: a named pipe in the folder must not block a request forever.
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

/** Retries for a file without a record, which may be half of a write in progress, until nothing changes. */
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

/** Returns whether the path is a folder, with no symbolic link on the way. */
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
 * Returns an ETag for a file that was put there by hand. It changes when the file does. Its `-1` tells clients that it is not the MD5,
 * which would need the whole file to be read each time.
 */
function deriveEtag(file: FileIdentity): string {
  const text = `${file.inode} ${file.size} ${file.mtimeNs}`
  return `${sha256Hex(text).slice(0, 32)}-1`
}
