/**
 * Multipart uploads: each has a folder under `.sts-cli/uploads` with `upload.json`. Each part has a file with a random name, and `N.json`,
 * which names that file. A part exists or is replaced from the rename of `N.json` on. An upload is created and removed by one rename of its
 * folder.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { isObject, parseJsonObject, readNumber, readString } from '../../../base/parse.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { ObjectContent } from '../body/object-content.ts'
import type { PartInfo, UploadInfo } from '../request/object-store.ts'
import { errorCode } from '../../../base/error-code.ts'
import { orAbsent, uploadsFolder, type Disk } from './disk.ts'
import { compareKeys } from './key-names.ts'
import { requireBucket } from './objects.ts'
import { readChecksum, readMetadata } from './sidecars.ts'
import {
  chooseStagingPath,
  discardFile,
  discardQuietly,
  makeFoldersBelow,
  removeTree,
  stageFile,
  writeFileWhole,
} from './staging.ts'

const readBufferBytes = 1 << 20

interface StoredPart extends PartInfo {
  readonly file: string
}

/** @see ObjectStore.createUpload */
export async function createUpload(
  disk: Disk,
  target: { bucket: string; key: string },
  options: Pick<UploadInfo, 'metadata' | 'checksum'>,
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
  const folder = uploadFolder(disk, upload)
  const lastModifiedMs = disk.nowMs()
  const staged = await stageFile(disk, content.chunks, lastModifiedMs)
  const file = `${randomBytes(12).toString('hex')}.part`
  const { etag, checksum } = content.describe()
  const part = { partNumber, etag, size: staged.identity.size, lastModifiedMs, checksum, file }
  try {
    return await disk.locks.hold(folder, async () => {
      const replaced = await readPartFile(disk, folder, partNumber)
      await disk.fs.rename(staged.path, join(folder, file))
      await disk.folders.settle(folder)
      await writeFileWhole(disk, join(folder, `${partNumber}.json`), JSON.stringify(part))
      if (replaced) await discardFile(disk, join(folder, replaced.file))
      return part
    })
  } catch (error) {
    await discardQuietly(disk, staged.path)
    await discardUnnamed(disk, folder, part)
    if (errorCode(error) === 'ENOENT' && !(await orAbsent(disk.fs.lstat(folder))))
      throw noSuchUpload()
    throw error
  }
}

/** Removes the bytes of a part whose `N.json` could not be written. If it was written after all, they are the part, and stay. */
async function discardUnnamed(disk: Disk, folder: string, part: StoredPart): Promise<void> {
  try {
    const named = await readPartFile(disk, folder, part.partNumber)
    if (named?.file !== part.file) await discardQuietly(disk, join(folder, part.file))
  } catch {
    // They are removed with the upload.
  }
}

/** @see ObjectStore.listParts */
export async function listParts(disk: Disk, upload: UploadInfo): Promise<PartInfo[]> {
  const folder = uploadFolder(disk, upload)
  const names = await orAbsent(disk.fs.readdir(folder))
  if (!names) throw noSuchUpload()
  const numbers = names.flatMap((name) => /^(\d{1,5})\.json$/.exec(name)?.[1] ?? [])
  const parts: PartInfo[] = []
  for (const number of numbers) {
    const part = await readPartFile(disk, folder, Number(number))
    if (part) parts.push(part)
  }
  return parts.toSorted((left, right) => left.partNumber - right.partNumber)
}

/** @see ObjectStore.readPart */
export async function* readPart(
  disk: Disk,
  upload: UploadInfo,
  partNumber: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const folder = uploadFolder(disk, upload)
  const part = await readPartFile(disk, folder, partNumber)
  if (!part) throw noSuchUpload()
  try {
    const handle = await disk.fs.open(join(folder, part.file), 'r')
    yield* handle.createReadStream({ highWaterMark: readBufferBytes })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw noSuchUpload()
    throw error
  }
}

/** @see ObjectStore.removeUpload */
export async function removeUpload(disk: Disk, upload: UploadInfo): Promise<void> {
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

function uploadFolder(
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
  return { bucket, key, uploadId, initiatedAtMs, metadata: readMetadata(metadata), checksum }
}

async function readPartFile(
  disk: Disk,
  folder: string,
  partNumber: number,
): Promise<StoredPart | undefined> {
  const text = await orAbsent(disk.fs.readFile(join(folder, `${partNumber}.json`), 'utf8'))
  const json = text === undefined ? undefined : parseJsonObject(text)
  if (!json) return undefined
  const file = readString(json, 'file')
  const etag = readString(json, 'etag')
  const size = readNumber(json, 'size')
  if (file === undefined || etag === undefined || size === undefined) return undefined
  const lastModifiedMs = readNumber(json, 'lastModifiedMs') ?? 0
  return { partNumber, etag, size, lastModifiedMs, checksum: readChecksum(json['checksum']), file }
}

function noSuchUpload(): AwsError {
  return new AwsError(
    'NoSuchUpload',
    'there is no such upload: it was completed, aborted or never begun',
  )
}
