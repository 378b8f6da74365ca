/** Writes objects and parts from bytes that the store holds already. */
import { createHash } from 'node:crypto'
import { startChecksum } from '../body/checksum.ts'
import type { ContentFacts } from '../body/object-content.ts'
import type {
  ObjectInfo,
  PartInfo,
  PutOptions,
  StoredContent,
  Stoppable,
  UploadInfo,
} from '../request/object-store.ts'
import { createCopier } from './copy-bytes.ts'
import type { Disk } from './disk.ts'
import { requireBucket } from './locate.ts'
import { placeObject } from './objects.ts'
import { stageMade, stageWritten, type StagedFile } from './staging.ts'
import { placeStagedPart } from './uploads.ts'

/** @see ObjectStore.copyObject */
export async function copyObject(
  disk: Disk,
  target: { bucket: string; key: string },
  content: StoredContent,
  options: PutOptions & Stoppable,
): Promise<ObjectInfo> {
  await requireBucket(disk, target.bucket)
  const made = await stageCopy(disk, content, { ...options, modifiedAtMs: disk.nowMs() })
  return placeObject(disk, target, made, options)
}

/** @see ObjectStore.copyPart */
export async function copyPart(
  disk: Disk,
  { upload, partNumber }: { upload: UploadInfo; partNumber: number },
  content: StoredContent,
  options: Stoppable,
): Promise<PartInfo> {
  const lastModifiedMs = disk.nowMs()
  const made = await stageCopy(disk, content, { ...options, modifiedAtMs: lastModifiedMs })
  return placeStagedPart(disk, upload, { partNumber, lastModifiedMs, ...made })
}

async function stageCopy(
  disk: Disk,
  { object, range, facts, algorithm }: StoredContent,
  { modifiedAtMs, signal }: Stoppable & { readonly modifiedAtMs: number },
): Promise<{ staged: StagedFile; facts: ContentFacts }> {
  const { size } = object.info
  const isWhole = range === undefined || (range.start === 0 && range.end === size - 1)
  if (facts !== undefined && isWhole && size > 0) {
    const cloned = await stageMade(disk, (path) => object.cloneTo(path), modifiedAtMs)
    if (cloned) return { staged: cloned, facts }
  }
  const md5 = createHash('md5')
  const checksum = algorithm === undefined ? undefined : startChecksum(algorithm)
  const update = (bytes: Uint8Array): void => {
    md5.update(bytes)
    checksum?.update(bytes)
  }
  const copier = createCopier(signal, facts === undefined ? update : undefined)
  const start = range?.start ?? 0
  const length = range ? range.end - range.start + 1 : size
  const job = { read: object.readInto, start, length, at: 0 }
  const staged = await stageWritten(disk, (handle) => copier.copy(handle, job), modifiedAtMs)
  if (facts !== undefined) return { staged, facts }
  const value = checksum?.digest().toString('base64')
  const known =
    algorithm === undefined || value === undefined
      ? undefined
      : ({ algorithm, value, type: 'FULL_OBJECT' } as const)
  return { staged, facts: { etag: md5.digest('hex'), checksum: known } }
}
