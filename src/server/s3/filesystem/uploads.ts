/**
 * Multipart uploads: each has a folder under `.sts-cli/uploads` with `upload.json` and its parts (see `parts.ts`). An upload is created and
 * removed by one rename of its folder.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { isObject, parseJsonObject, readNumber, readString } from '../../../base/parse.ts'
import type { ObjectContent } from '../body/object-content.ts'
import type { PartInfo, PartsPage, UploadInfo } from '../request/object-store.ts'
import { noSuchUpload } from '../request/errors.ts'
import { errorCode } from '../../../base/error-code.ts'
import { orAbsent, uploadsFolder, type Disk } from './disk.ts'
import { compareKeys } from './key-names.ts'
import { requireBucket } from './locate.ts'
import { placePart, readParts } from './parts.ts'
import { readChecksum, readLock, readMetadata } from './records.ts'
import {
  chooseStagingPath,
  discardQuietly,
  makeFoldersBelow,
  removeTree,
  stageFile,
  writeFileWhole,
} from './staging.ts'

/** @see ObjectStore.createUpload */
export async function createUpload(
  disk: Disk,
  target: { bucket: string; key: string },
  options: Pick<UploadInfo, 'metadata' | 'checksum' | 'lock'>,
): Promise<UploadInfo> {
  const uploadId = randomBytes(24).toString('base64url')
  const upload = { ...target, uploadId, initiatedAtMs: disk.nowMs(), ...options }
  await disk.locks.share(target.bucket, async () => {
    await requireBucket(disk, target.bucket)
    const staged = chooseStagingPath(disk)
    const folder = uploadFolder(disk, upload)
    await disk.fs.mkdir(staged, { mode: 0o700 })
    try {
      await writeFileWhole(disk, join(staged, 'upload.json'), JSON.stringify(upload))
      await makeFoldersBelow(disk, dirname(folder), { top: disk.root, mode: 0o700 })
      await disk.fs.rename(staged, folder)
      await disk.folders.settle(dirname(folder))
    } catch (error) {
      // The client does not know its ID yet.
      for (const path of [staged, folder])
        await disk.fs.rm(path, { recursive: true, force: true }).catch(() => {})
      throw error
    }
  })
  return upload
}

/** @see ObjectStore.findUpload */
export async function findUpload(
  disk: Disk,
  bucket: string,
  key: string,
  uploadId: string,
): Promise<UploadInfo> {
  const isOurs = /^[A-Za-z0-9_-]{32}$/.test(uploadId)
  const upload = isOurs ? await readUpload(disk, bucket, uploadId) : undefined
  if (upload && upload.key === key) return upload
  await requireBucket(disk, bucket)
  throw noSuchUpload()
}

/** @see ObjectStore.putPart */
export async function putPart(
  disk: Disk,
  upload: UploadInfo,
  partNumber: number,
  content: ObjectContent,
): Promise<PartInfo> {
  const lastModifiedMs = disk.nowMs()
  const staged = await stageFile(disk, content.chunks, lastModifiedMs)
  const part = { partNumber, lastModifiedMs, staged, facts: content.describe() }
  return placeStagedPart(disk, upload, part)
}

/** Makes a staged file a part. If this throws, the file is removed. @throws {AwsError} `NoSuchUpload`. */
export async function placeStagedPart(
  disk: Disk,
  upload: UploadInfo,
  part: Parameters<typeof placePart>[2],
): Promise<PartInfo> {
  const folder = uploadFolder(disk, upload)
  try {
    return await disk.locks.hold(folder, () => placePart(disk, folder, part))
  } catch (error) {
    await discardQuietly(disk, part.staged.path)
    if (errorCode(error) === 'ENOENT' && !(await orAbsent(disk.fs.lstat(folder))))
      throw noSuchUpload()
    throw error
  }
}

/** @see ObjectStore.listParts */
export async function listParts(
  disk: Disk,
  upload: UploadInfo,
  page?: PartsPage,
): Promise<PartInfo[]> {
  const parts = await readParts(disk, uploadFolder(disk, upload), page)
  if (!parts) throw noSuchUpload()
  return parts
}

/** @see ObjectStore.removeUpload */
export async function removeUpload(
  disk: Disk,
  upload: Pick<UploadInfo, 'bucket' | 'uploadId'>,
): Promise<void> {
  const folder = uploadFolder(disk, upload)
  await disk.locks.hold(folder, () => removeTree(disk, folder))
}

/** @see ObjectStore.listUploads */
export async function listUploads(disk: Disk, bucket: string): Promise<UploadInfo[]> {
  await requireBucket(disk, bucket)
  const names = (await orAbsent(disk.fs.readdir(uploadsFolder(disk.root, bucket)))) ?? []
  const uploads: UploadInfo[] = []
  for (const uploadId of names) {
    const upload = await readUpload(disk, bucket, uploadId)
    if (upload) uploads.push(upload)
  }
  return uploads.toSorted((left, right) => {
    return compareKeys(left.key, right.key) || left.initiatedAtMs - right.initiatedAtMs
  })
}

/** Returns the folder of an upload, whose name is also the name of its lock. */
export function uploadFolder(
  disk: Disk,
  { bucket, uploadId }: Pick<UploadInfo, 'bucket' | 'uploadId'>,
): string {
  return join(uploadsFolder(disk.root, bucket), uploadId)
}

async function readUpload(
  disk: Disk,
  bucket: string,
  uploadId: string,
): Promise<UploadInfo | undefined> {
  const path = join(uploadFolder(disk, { bucket, uploadId }), 'upload.json')
  const text = await orAbsent(disk.fs.readFile(path, 'utf8'))
  const json = text === undefined ? undefined : parseJsonObject(text)
  const key = json && readString(json, 'key')
  const metadata = json?.['metadata']
  if (!json || key === undefined || !isObject(metadata)) return undefined
  const checksum = isObject(json['checksum'])
    ? readChecksum({ ...json['checksum'], value: '' })
    : undefined
  const initiatedAtMs = readNumber(json, 'initiatedAtMs') ?? 0
  const lock = readLock(json['lock'])
  return { bucket, key, uploadId, initiatedAtMs, metadata: readMetadata(metadata), checksum, lock }
}
