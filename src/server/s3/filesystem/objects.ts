/** Objects one at a time: write, open, remove. */
import { lstat, mkdir, realpath, rename, rmdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type {
  ByteRange,
  ObjectContent,
  ObjectInfo,
  OpenObject,
  PutOptions,
} from '../object-store.ts'
import { errorCode } from '../../../base/error-code.ts'
import { bucketFolder, encodedFolder, orAbsent, type Disk } from './disk.ts'
import { noSuchBucket } from '../errors.ts'
import { encodeKey, isPlainKey } from './key-names.ts'
import { findObject, openDataFile, type LocatedObject } from './locate.ts'
import { discardFile, stageFile, type StagedFile } from './staging.ts'

/** Bytes asked of the disk at a time while an object is sent. */
const readBufferBytes = 1 << 19

/** Times to make a key's folders anew when a concurrent delete takes them away in between. */
const maxFolderTries = 8

/** @see ObjectStore.putObject */
export async function putObject(
  disk: Disk,
  target: { bucket: string; key: string },
  content: ObjectContent,
  options: PutOptions,
): Promise<ObjectInfo> {
  const { bucket, key } = target
  await requireBucket(disk, bucket)
  const staged = await stageFile(disk.root, content.chunks, disk.nowMs())
  try {
    return await disk.locks.share(bucket, () => {
      return disk.locks.hold(`${bucket}/${key}`, () =>
        commit(disk, target, staged, content, options),
      )
    })
  } finally {
    // already in its place when all went well
    await discardFile(staged.path)
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
    read: (range) =>
      handle.createReadStream({
        start: range?.start ?? 0,
        end: range ? range.end : Math.max(0, info.size - 1),
        highWaterMark: readBufferBytes,
      }),
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
export async function deleteObject(disk: Disk, bucket: string, key: string): Promise<void> {
  await disk.locks.share(bucket, () => {
    return disk.locks.hold(`${bucket}/${key}`, async () => {
      await requireBucket(disk, bucket)
      // twice: a crash between a move and its clean-up can leave the key in both trees
      for (let tries = 0; tries < 2; tries += 1) {
        const found = await findObject(disk, bucket, key)
        if (!found) return
        await discardFile(found.path)
        await disk.sidecars.remove(bucket, key)
        await removeEmptyFolders(dirname(found.path), topFolderOf(disk, bucket, found.path))
      }
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
      // a file put there by hand gets the record it never had
      const { file, facts, metadata } = record ?? {
        file: identity,
        facts: { etag: info.etag },
        metadata: info.metadata,
      }
      const { tags: _, ...untagged } = metadata
      const kept = tags === undefined ? untagged : { ...untagged, tags }
      await disk.sidecars.write(bucket, key, [{ file, facts, metadata: kept }])
      return true
    })
  })
}

function topFolderOf(disk: Disk, bucket: string, path: string): string {
  const encoded = encodedFolder(disk.root, bucket)
  return path.startsWith(encoded + sep) ? encoded : bucketFolder(disk.root, bucket)
}

/** @throws {AwsError} `NoSuchBucket`. */
export async function requireBucket(disk: Disk, bucket: string): Promise<void> {
  const stats = await orAbsent(lstat(bucketFolder(disk.root, bucket)))
  if (!stats?.isDirectory()) throw noSuchBucket(bucket)
}

/** Sidecar first, then the data file's rename: see `sidecars.ts`. Runs while no one else writes the key. */
async function commit(
  disk: Disk,
  { bucket, key }: { bucket: string; key: string },
  staged: StagedFile,
  content: ObjectContent,
  { metadata, precondition }: PutOptions,
): Promise<ObjectInfo> {
  const current = await findObject(disk, bucket, key)
  precondition?.(current?.info)
  const facts = content.describe()
  const record = { file: staged.identity, facts, metadata }
  const kept = current?.record ? [record, current.record] : [record]
  await disk.sidecars.write(bucket, key, kept)
  await moveIntoPlace(disk, { bucket, key, from: staged.path, current })
  const { size, mtimeNs } = staged.identity
  const lastModifiedMs = Math.round(Number(BigInt(mtimeNs) / 1000n) / 1000)
  return { ...facts, key, size, lastModifiedMs, metadata }
}

async function moveIntoPlace(
  disk: Disk,
  move: { bucket: string; key: string; from: string; current: LocatedObject | undefined },
): Promise<void> {
  const { bucket, key, from, current } = move
  await requireBucket(disk, bucket)
  const encodedRoot = encodedFolder(disk.root, bucket)
  if (isPlainKey(key)) {
    const path = join(bucketFolder(disk.root, bucket), key)
    if (await renameBelow(bucketFolder(disk.root, bucket), from, path)) {
      const isEncodedToo = current !== undefined && current.path !== path
      if (isEncodedToo) await discardFile(current.path)
      return
    }
  }
  await mkdir(encodedRoot, { recursive: true, mode: 0o700 })
  const path = join(encodedRoot, encodeKey(key))
  if (await renameBelow(encodedRoot, from, path)) return
  throw new Error(`cannot place an object at ${path}: something else is in its way`)
}

/** Renames, making folders below `top` as needed; false when a file, a folder or a link is in the way. */
async function renameBelow(top: string, from: string, to: string): Promise<boolean> {
  const folder = dirname(to)
  for (let tries = 0; tries < maxFolderTries; tries += 1) {
    const real = await orAbsent(realpath(folder))
    if (real !== undefined && real !== folder) return false
    try {
      await rename(from, to)
      return true
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST') return false
      if (code !== 'ENOENT') throw error
      await makeFolders(top, folder)
    }
  }
  return false
}

/** Makes each missing folder between `top` and `folder`, but never `top`: a bucket is not made by writing into it. */
async function makeFolders(top: string, folder: string): Promise<void> {
  let path = top
  for (const name of folder.slice(top.length).split(sep).filter(Boolean)) {
    path = join(path, name)
    try {
      await mkdir(path)
    } catch (error) {
      const code = errorCode(error)
      // a file in the way shows when the rename is tried again; a vanished parent likewise
      if (code !== 'EEXIST' && code !== 'ENOTDIR' && code !== 'ENOENT') throw error
    }
  }
}

/** Removes a folder and those above it, as long as they are empty and below `top`. */
export async function removeEmptyFolders(folder: string, top: string): Promise<void> {
  for (let path = folder; path.startsWith(top + sep); path = dirname(path)) {
    try {
      await rmdir(path)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ENOENT') continue
      return
    }
  }
}
