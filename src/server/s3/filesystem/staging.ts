/** Files are written whole in the staging folder, then renamed to their place: a crash leaves the old file or the new one. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AwsError } from '../../../protocol/aws-error.ts'
import { errorCode } from '../../../base/error-code.ts'
import { stagingFolder } from './disk.ts'

/** Bytes gathered before a write: small enough to stay in cache, large enough that system calls do not count. */
const writeBatchBytes = 1 << 19

/** What tells one state of a data file from another. */
export interface FileIdentity {
  readonly size: number
  readonly mtimeNs: string
  readonly inode: string
}

export interface StagedFile {
  readonly path: string
  readonly identity: FileIdentity
}

/**
 * Writes `chunks` to a staging file, on disk when it resolves. A failure, also one of `chunks`, removes it.
 *
 * @param modifiedAtMs becomes the file's time of change, and so the object's.
 * @throws {AwsError} `XMinioStorageFull` when the disk is full; whatever `chunks` throws.
 */
export async function stageFile(
  root: string,
  chunks: AsyncIterable<Uint8Array>,
  modifiedAtMs: number,
): Promise<StagedFile> {
  const path = join(stagingFolder(root), randomBytes(12).toString('hex'))
  const handle = await open(path, 'wx')
  let isWhole = false
  try {
    await writeChunks(handle, chunks)
    await handle.utimes(modifiedAtMs / 1000, modifiedAtMs / 1000)
    await handle.datasync()
    const { size, mtimeNs, ino } = await handle.stat({ bigint: true })
    isWhole = true
    return {
      path,
      identity: { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) },
    }
  } catch (error) {
    throw translateFull(error)
  } finally {
    await handle.close()
    if (!isWhole) await discardFile(path)
  }
}

/** Writes a small file whole: staged, on disk, renamed; makes its folder when it is missing. */
export async function writeFileWhole(root: string, path: string, text: string): Promise<void> {
  const staged = join(stagingFolder(root), randomBytes(12).toString('hex'))
  const handle = await open(staged, 'wx', 0o600)
  let isPlaced = false
  try {
    await handle.writeFile(text)
    await handle.datasync()
    await renameMakingFolder(staged, path)
    isPlaced = true
  } catch (error) {
    throw translateFull(error)
  } finally {
    await handle.close()
    if (!isPlaced) await discardFile(staged)
  }
}

/** Takes a file away; one that is gone already is fine. */
export async function discardFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

async function renameMakingFolder(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    await rename(from, to)
  }
}

async function writeChunks(handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<void> {
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
  handle: FileHandle,
  batch: readonly Uint8Array[],
  batchBytes: number,
): Promise<void> {
  const { bytesWritten } = await handle.writev([...batch])
  if (bytesWritten === batchBytes) return
  // a short write: a signal, or a disk that is almost full; `writeFile` goes on until all is written or it fails
  await handle.writeFile(Buffer.concat(batch).subarray(bytesWritten))
}

function translateFull(error: unknown): unknown {
  const code = errorCode(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  const message = 'the storage is full: remove objects or enlarge the disk'
  return new AwsError('XMinioStorageFull', message, { status: 507, cause: error })
}
