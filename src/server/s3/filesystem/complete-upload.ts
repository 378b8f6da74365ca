/** Joins the parts of an upload to an object. */
import type { StoreFile } from './file-system.ts'
import { sha256Hex } from '../../../protocol/digest.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { errorCode } from '../../../base/error-code.ts'
import type {
  CompletedUpload,
  CompleteOptions,
  ObjectInfo,
  PartInfo,
  UploadInfo,
} from '../request/object-store.ts'
import { noSuchUpload } from '../request/errors.ts'
import { cloneFile } from './clone-file.ts'
import { createCopier } from './copy-bytes.ts'
import type { Disk } from './disk.ts'
import { findObject } from './locate.ts'
import { placeObject } from './objects.ts'
import { readParts, type StoredPart } from './parts.ts'
import { removeTree, stageMade, stageWritten, type StagedFile } from './staging.ts'
import { uploadFolder } from './uploads.ts'

/** @see ObjectStore.completeUpload */
export async function completeUpload(
  disk: Disk,
  upload: UploadInfo,
  parts: readonly PartInfo[],
  options: CompleteOptions,
): Promise<ObjectInfo> {
  const { bucket, key, uploadId, metadata, lock } = upload
  const folder = uploadFolder(disk, upload)
  // A second request to complete the upload waits here, and finds what the first one made.
  return disk.locks.hold(folder, async () => {
    const completed = await findCompleted(disk, upload, uploadId)
    if (completed?.isOf(parts)) {
      await removeTree(disk, folder)
      return completed.info
    }
    const stored = pickParts(await readParts(disk, folder), parts)
    const staged = await stageJoined(disk, stored, options.signal)
    const completion = { uploadId, parts: digestParts(parts) }
    const made = { staged, facts: options.facts, completion }
    const info = await placeObject(disk, { bucket, key }, made, { metadata, lock, ...options })
    await removeTree(disk, folder)
    return info
  })
}

/** @see ObjectStore.findCompleted */
export async function findCompleted(
  disk: Disk,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  uploadId: string,
): Promise<CompletedUpload | undefined> {
  const found = await findObject(disk, bucket, key)
  const completion = found?.record?.completion
  if (!found || completion?.uploadId !== uploadId) return undefined
  return { info: found.info, isOf: (parts) => digestParts(parts) === completion.parts }
}

function digestParts(parts: readonly Pick<PartInfo, 'partNumber' | 'etag'>[]): string {
  return sha256Hex(parts.map(({ partNumber, etag }) => `${partNumber} ${etag}\n`).join(''))
}

/** Returns the present files of the listed parts. */
function pickParts(
  present: readonly StoredPart[] | undefined,
  listed: readonly PartInfo[],
): StoredPart[] {
  if (!present) throw noSuchUpload()
  const byNumber = new Map(present.map((part) => [part.partNumber, part]))
  return listed.map(({ partNumber, etag }) => {
    const part = byNumber.get(partNumber)
    if (part?.etag === etag) return part
    const message = `part ${partNumber} was replaced while the upload was completed`
    throw new AwsError('InvalidPart', message, {
      details: { PartNumber: String(partNumber), ETag: etag },
    })
  })
}

/** The parts keep their files: if this fails, is stopped or the process dies, the upload can still be completed. */
async function stageJoined(
  disk: Disk,
  parts: readonly StoredPart[],
  signal: AbortSignal | undefined,
): Promise<StagedFile> {
  signal?.throwIfAborted()
  const modifiedAtMs = disk.nowMs()
  const [first, ...rest] = parts
  if (first && rest.length === 0) {
    const linked = await stageMade(disk, (path) => linkFile(disk, first.path, path), modifiedAtMs)
    if (linked) return linked
  }
  const copier = createCopier(signal)
  const append = async (handle: StoreFile, from: readonly StoredPart[], startAt: number) => {
    let at = startAt
    for (const part of from) {
      const source = await disk.fs.open(part.path, 'r')
      try {
        const read = async (buffer: Uint8Array, position: number): Promise<number> =>
          (await source.read(buffer, 0, buffer.length, position)).bytesRead
        await copier.copy(handle, { read, start: 0, length: part.size, at })
      } finally {
        await source.close()
      }
      at += part.size
    }
  }
  if (first && first.size > 0) {
    const cloned = await stageMade(
      disk,
      (path) => cloneFile(disk, first.path, path),
      modifiedAtMs,
      (handle) => append(handle, rest, first.size),
    )
    if (cloned) return cloned
  }
  return stageWritten(disk, (handle) => append(handle, parts, 0), modifiedAtMs)
}

/** Gives a file a second name. @returns False where the file system has no hard links. */
async function linkFile({ fs }: Disk, from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to)
    return true
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (!['EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM'].includes(code)) throw error
    return false
  }
}
