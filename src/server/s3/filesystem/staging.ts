/** Writes files in the staging folder, then renames them to their path: a crash leaves the old file or the new one. */
import { randomBytes } from 'node:crypto'
import { dirname, join, sep } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { stagingFolder, type Storage } from './disk.ts'
import type { FileSystem, StoreFile } from './file-system.ts'

/** Size of a batch of writes: small enough for the CPU cache, large enough that the cost of system calls is low. */
const writeBatchBytes = 1 << 19

/** Distinguishes one state of a data file from another. */
export interface FileIdentity {
  readonly size: number
  readonly mtimeNs: string
  readonly inode: string
}

export interface StagedFile {
  readonly path: string
  readonly identity: FileIdentity
  /** The content of a small file that is not on disk yet. */
  readonly bytes?: Uint8Array | undefined
}

/** Content up to this size travels with the commit to the index. Beyond it, to write it twice costs more than a sync of its own. */
const smallContentBytes = 128 * 1024

/**
 * Writes `chunks` to a staging file, which is synced to disk when this resolves. An error, also one of `chunks`, removes the file.
 *
 * @param modifiedAtMs becomes the modification time of the file and the object.
 * @throws Node's own error; whatever `chunks` throws.
 */
export async function stageFile(
  storage: Storage,
  chunks: AsyncIterable<Uint8Array>,
  modifiedAtMs: number,
): Promise<StagedFile> {
  return stageWritten(storage, (handle) => writeChunks(handle, chunks), modifiedAtMs)
}

/** As `stageFile`. Small content is returned too, and its file is not synced. */
export async function stageContent(
  storage: Storage,
  chunks: AsyncIterable<Uint8Array>,
  modifiedAtMs: number,
): Promise<StagedFile> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let firstBytes = 0
  let isAll = false
  while (!isAll && firstBytes <= smallContentBytes) {
    const { done, value } = await iterator.next()
    if (done === true) isAll = true
    else firstBytes += first[first.push(value) - 1]?.length ?? 0
  }
  if (isAll) return stageBytes(storage, Buffer.concat(first, firstBytes), modifiedAtMs)
  const all = async function* (): AsyncGenerator<Uint8Array> {
    yield* first
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return stageFile(storage, all(), modifiedAtMs)
}

/** Writes bytes to a staging file, which is not synced. */
export async function stageBytes(
  storage: Storage,
  bytes: Uint8Array,
  modifiedAtMs: number,
): Promise<StagedFile> {
  return stage(storage, 0o666, async (handle, path) => {
    if (bytes.length > 0) await writeAll(handle, [bytes], bytes.length)
    await handle.utimes(modifiedAtMs / 1000, modifiedAtMs / 1000)
    return { path, identity: await identifyOpen(handle), bytes }
  })
}

/** As `stageFile`, for a file that `write` fills. */
export async function stageWritten(
  storage: Storage,
  write: (handle: StoreFile) => Promise<void>,
  modifiedAtMs: number,
): Promise<StagedFile> {
  return stage(storage, 0o666, async (handle, path) => {
    await write(handle)
    return finishStaged(handle, path, modifiedAtMs)
  })
}

/**
 * As `stageFile`, for a file that `make` creates at a path of the staging folder, as a link or a clone. `write` may add to it.
 *
 * @returns Undefined if `make` returns false: there is no file then.
 */
export async function stageMade(
  storage: Storage,
  make: (path: string) => Promise<boolean>,
  modifiedAtMs: number,
  write?: (handle: StoreFile) => Promise<void>,
): Promise<StagedFile | undefined> {
  const path = chooseStagingPath(storage)
  try {
    if (!(await make(path))) return undefined
    const handle = await storage.fs.open(path, 'r+')
    try {
      await write?.(handle)
      return await finishStaged(handle, path, modifiedAtMs)
    } finally {
      await handle.close()
    }
  } catch (error) {
    await discardQuietly(storage, path)
    throw error
  }
}

async function finishStaged(
  handle: StoreFile,
  path: string,
  modifiedAtMs: number,
): Promise<StagedFile> {
  await handle.utimes(modifiedAtMs / 1000, modifiedAtMs / 1000)
  // Sync the metadata too: the record matches the file by its modification time.
  await handle.sync()
  return { path, identity: await identifyOpen(handle) }
}

async function identifyOpen(handle: StoreFile): Promise<FileIdentity> {
  const { size, mtimeNs, ino } = await handle.stat({ bigint: true })
  return { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) }
}

/** Brings a file's bytes to disk. */
export async function syncFile(fs: FileSystem, path: string): Promise<void> {
  const file = await fs.open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Writes a small file atomically: staged, renamed, and synced with its name when this resolves. Creates its folder if it is missing. */
export async function writeFileWhole(storage: Storage, path: string, text: string): Promise<void> {
  const staged = await stage(storage, 0o600, async (handle, name) => {
    await handle.writeFile(text)
    await handle.datasync()
    return name
  })
  try {
    await renameMakingFolder(storage, staged, path)
  } catch (error) {
    await discardQuietly(storage, staged)
    throw error
  }
  await storage.folders.settle(dirname(path))
}

/** Returns an unused path in the staging folder. */
export function chooseStagingPath({ root }: Pick<Storage, 'root'>): string {
  return join(stagingFolder(root), randomBytes(12).toString('hex'))
}

/** Removes a file, if it exists. */
export async function discardFile({ fs }: Pick<Storage, 'fs'>, path: string): Promise<void> {
  await fs.rm(path, { force: true })
}

/** Removes a file while another error is handled, which is the one to report. The next start removes what is left in the staging folder. */
export async function discardQuietly(storage: Pick<Storage, 'fs'>, path: string): Promise<void> {
  await discardFile(storage, path).catch(() => {})
}

/** Removes a folder and its content in one step, if it exists. */
export async function removeTree(storage: Storage, folder: string): Promise<void> {
  const doomed = chooseStagingPath(storage)
  try {
    await storage.fs.rename(folder, doomed)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  await storage.folders.settle(dirname(folder))
  await storage.fs.rm(doomed, { recursive: true, force: true })
}

/** Creates each missing folder between `top` and `folder`, but never `top`: writing into a bucket does not create it. */
export async function makeFoldersBelow(
  { fs, folders }: Storage,
  folder: string,
  { top, mode }: { top: string; mode: number },
): Promise<void> {
  let path = top
  for (const name of folder.slice(top.length).split(sep).filter(Boolean)) {
    path = join(path, name)
    try {
      await fs.mkdir(path, { mode })
      folders.noteMade(path)
    } catch (error) {
      const code = errorCode(error)
      // The retried rename reports a file in the way, or a parent that disappeared.
      if (code !== 'EEXIST' && code !== 'ENOTDIR' && code !== 'ENOENT') throw error
    }
  }
}

/** Creates a staging file and writes it. Removes it if that fails. */
async function stage<T>(
  storage: Storage,
  mode: number,
  write: (handle: StoreFile, path: string) => Promise<T>,
): Promise<T> {
  const path = chooseStagingPath(storage)
  const handle = await storage.fs.open(path, 'wx', mode)
  try {
    try {
      return await write(handle, path)
    } finally {
      await handle.close()
    }
  } catch (error) {
    await discardQuietly(storage, path)
    throw error
  }
}

async function renameMakingFolder(storage: Storage, from: string, to: string): Promise<void> {
  try {
    await storage.fs.rename(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await makeFoldersBelow(storage, dirname(to), { top: storage.root, mode: 0o700 })
    await storage.fs.rename(from, to)
  }
}

async function writeChunks(handle: StoreFile, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let batch: Uint8Array[] = []
  let batchBytes = 0
  for await (const chunk of chunks) {
    batch.push(chunk)
    batchBytes += chunk.length
    if (batchBytes < writeBatchBytes) continue
    await writeAll(handle, batch, batchBytes)
    batch = []
    batchBytes = 0
  }
  if (batchBytes > 0) await writeAll(handle, batch, batchBytes)
}

async function writeAll(
  handle: StoreFile,
  batch: readonly Uint8Array[],
  batchBytes: number,
): Promise<void> {
  const { bytesWritten } = await handle.writev([...batch])
  if (bytesWritten === batchBytes) return
  // A short write, after a signal or on a disk that is almost full: `writeFile` continues until everything is written or it fails.
  await handle.writeFile(Buffer.concat(batch).subarray(bytesWritten))
}
