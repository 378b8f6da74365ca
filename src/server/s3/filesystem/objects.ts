/** Objects one at a time: write, open, remove. */
import { dirname, join, sep } from 'node:path'
import type {
  ByteRange,
  DeleteResult,
  DeleteOptions,
  ObjectInfo,
  OpenObject,
  PutOptions,
  Stoppable,
} from '../request/object-store.ts'
import type { ContentFacts, ObjectContent } from '../body/object-content.ts'
import { cloneObject } from './clone-file.ts'
import { errorCode } from '../../../base/error-code.ts'
import { bucketFolder, encodedFolder, orAbsent, type Disk } from './disk.ts'
import { noSuchBucket } from '../request/errors.ts'
import { encodeKey, isPlainKey } from './key-names.ts'
import { findObject, openDataFile } from './locate.ts'
import type { Completion } from './sidecars.ts'
import {
  discardFile,
  discardQuietly,
  makeFoldersBelow,
  stageFile,
  type StagedFile,
} from './staging.ts'

/** Retries to create a key's folders when a concurrent delete removes them in between. */
const maxFolderTries = 8

/** @see ObjectStore.putObject */
export async function putObject(
  disk: Disk,
  target: { bucket: string; key: string },
  content: ObjectContent,
  options: PutOptions,
): Promise<ObjectInfo> {
  await requireBucket(disk, target.bucket)
  const staged = await stageFile(disk, content.chunks, disk.nowMs())
  return placeObject(disk, target, { staged, facts: content.describe() }, options)
}

/** A staged file with what is known about it. */
export interface NewObject {
  readonly staged: StagedFile
  readonly facts: ContentFacts
  /** The upload whose parts it was joined from. */
  readonly completion?: Completion | undefined
}

/** Makes a staged file the object of the key. If this throws, the file is removed. */
export async function placeObject(
  disk: Disk,
  target: { bucket: string; key: string },
  made: NewObject,
  options: PutOptions & Stoppable,
): Promise<ObjectInfo> {
  const { bucket, key } = target
  try {
    return await disk.locks.share(bucket, () => {
      return disk.locks.hold(`${bucket}/${key}`, () => {
        // From here on, the object is written even when the client is gone.
        options.signal?.throwIfAborted()
        return commit(disk, target, made, options)
      })
    })
  } catch (error) {
    await discardQuietly(disk, made.staged.path)
    throw error
  }
}

/** @see ObjectStore.openObject */
export async function openObject(
  disk: Disk,
  bucket: string,
  key: string,
): Promise<OpenObject | undefined> {
  const opened = await openDataFile(disk, bucket, key)
  if (!opened) return (await requireBucket(disk, bucket), undefined)
  const { handle, info } = opened
  return {
    info,
    readInto: async (buffer, position) => {
      return (await handle.read(buffer, 0, buffer.length, position)).bytesRead
    },
    cloneTo: (path) => cloneObject(disk, opened, path),
    readAll: async (range: ByteRange = { start: 0, end: info.size - 1 }) => {
      try {
        const bytes = Buffer.allocUnsafe(range.end - range.start + 1)
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, range.start)
        return bytes.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },
    close: () => handle.close(),
  }
}

/** @see ObjectStore.deleteObject */
export async function deleteObject(
  disk: Disk,
  { bucket, key }: { bucket: string; key: string },
  { precondition }: DeleteOptions = {},
): Promise<DeleteResult> {
  return disk.locks.share(bucket, () => {
    return disk.locks.hold(`${bucket}/${key}`, async () => {
      await requireBucket(disk, bucket)
      const found = await findObject(disk, bucket, key)
      precondition?.(found?.info)
      if (!found) return {}
      // A crash between a move and its clean-up leaves the key in both trees: the older file is removed first, or it would reappear.
      const older = join(encodedFolder(disk.root, bucket), encodeKey(key))
      if (older !== found.path) await removeDataFile(disk, bucket, older)
      await removeDataFile(disk, bucket, found.path)
      await disk.sidecars.remove(bucket, key)
      return {}
    })
  })
}

/** @see ObjectStore.replaceTags */
export async function replaceTags(
  disk: Disk,
  { bucket, key }: { bucket: string; key: string },
  tags: Readonly<Record<string, string>> | undefined,
): Promise<boolean> {
  return disk.locks.share(bucket, () => {
    return disk.locks.hold(`${bucket}/${key}`, async () => {
      const found = await findObject(disk, bucket, key)
      if (!found) return (await requireBucket(disk, bucket), false)
      const { record, identity, info } = found
      // A file that was put there by hand gets its first record.
      const { file, facts, metadata, completion } = record ?? {
        file: identity,
        facts: { etag: info.etag },
        metadata: info.metadata,
      }
      const { tags: _, ...untagged } = metadata
      const kept = tags === undefined ? untagged : { ...untagged, tags }
      await disk.sidecars.write(bucket, key, [{ file, facts, metadata: kept, completion }])
      return true
    })
  })
}

/** Removes the file and the folders that become empty. When this resolves, its name is gone from the disk. */
async function removeDataFile(disk: Disk, bucket: string, path: string): Promise<void> {
  if ((await orAbsent(disk.fs.lstat(path))) === undefined) return
  await discardFile(disk, path)
  await disk.folders.settle(dirname(path))
  await removeEmptyFolders(disk, dirname(path), topFolderOf(disk, bucket, path))
}

function topFolderOf(disk: Disk, bucket: string, path: string): string {
  const encoded = encodedFolder(disk.root, bucket)
  return path.startsWith(encoded + sep) ? encoded : bucketFolder(disk.root, bucket)
}

/** @throws {AwsError} `NoSuchBucket`. */
export async function requireBucket(disk: Disk, bucket: string): Promise<void> {
  const stats = await orAbsent(disk.fs.lstat(bucketFolder(disk.root, bucket)))
  if (!stats?.isDirectory()) throw noSuchBucket(bucket)
}

/** Sidecar first, then the data file's rename: see `sidecars.ts`. Runs while no one else writes the key. */
async function commit(
  disk: Disk,
  { bucket, key }: { bucket: string; key: string },
  { staged, facts, completion }: NewObject,
  { metadata, precondition }: PutOptions,
): Promise<ObjectInfo> {
  const current = await findObject(disk, bucket, key)
  precondition?.(current?.info)
  const record = { file: staged.identity, facts, metadata, completion }
  const records = current?.record ? [record, current.record] : [record]
  let path: string
  try {
    await disk.sidecars.write(bucket, key, records)
    path = await moveIntoPlace(disk, { bucket, key, from: staged.path })
  } catch (error) {
    // Next to the record of the present object, another does no harm. On its own it would stay forever.
    if (!current?.record) await disk.sidecars.remove(bucket, key).catch(() => {})
    throw error
  }
  await disk.folders.settle(dirname(path))
  // The object was in the other tree.
  if (current && current.path !== path) await removeDataFile(disk, bucket, current.path)
  const { size, mtimeNs } = staged.identity
  const lastModifiedMs = Math.round(Number(BigInt(mtimeNs) / 1000n) / 1000)
  return { ...facts, key, size, lastModifiedMs, metadata }
}

async function moveIntoPlace(
  disk: Disk,
  { bucket, key, from }: { bucket: string; key: string; from: string },
): Promise<string> {
  await requireBucket(disk, bucket)
  if (isPlainKey(key)) {
    const top = bucketFolder(disk.root, bucket)
    const path = join(top, key)
    if (await renameBelow(disk, top, { from, to: path })) return path
  }
  const top = encodedFolder(disk.root, bucket)
  await makeFoldersBelow(disk, top, { top: disk.root, mode: 0o700 })
  const path = join(top, encodeKey(key))
  if (await renameBelow(disk, top, { from, to: path })) return path
  throw new Error(`cannot place an object at ${path}: something else is in its way`)
}

/** Renames, and creates folders below `top` as needed. Returns false if a file, a folder or a link is in the way. */
async function renameBelow(
  disk: Disk,
  top: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const folder = dirname(to)
  for (let tries = 0; tries < maxFolderTries; tries += 1) {
    const real = await orAbsent(disk.fs.realpath(folder))
    if (real !== undefined && real !== folder) return false
    try {
      await disk.fs.rename(from, to)
      return true
    } catch (error) {
      const code = errorCode(error)
      if (code !== 'ENOENT') {
        await removeEmptyFolders(disk, folder, top)
        if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST') return false
        throw error
      }
      await makeFoldersBelow(disk, folder, { top, mode: 0o777 })
    }
  }
  return false
}

/** Removes a folder and those above it, as long as they are empty and below `top`. */
async function removeEmptyFolders(disk: Disk, folder: string, top: string): Promise<void> {
  for (let path = folder; path.startsWith(top + sep); path = dirname(path)) {
    try {
      await disk.fs.rmdir(path)
      disk.folders.forget(path)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ENOENT') continue
      return
    }
  }
}
