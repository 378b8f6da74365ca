/**
 * What is to be done with files after a commit. It is committed with the change: a process that dies before it is done, or a machine that loses power
 * before the files are on disk, leaves it to the next start. The bytes of small objects travel with it, so that their file need not be synced before the
 * client is answered: one flush of the index serves many writers.
 */
import { join } from 'node:path'
import { isObject, parseJsonObject, readNumber, readString } from '../../../base/parse.ts'
import type { Log } from '../../../base/log.ts'
import { orAbsent, stagingFolder, type Disk } from './disk.ts'
import { headKey, readBucket, readKey, redoKey, wholeRange } from './index-keys.ts'
import { findObject, readHead } from './locate.ts'
import { moveIntoPlace, removeDataFile } from './place.ts'
import { encodeHead, type Head } from './records.ts'
import { discardQuietly, stageBytes, syncFile, type FileIdentity } from './staging.ts'
import { versionFile } from './version-files.ts'

/** The file that is to become the object's data file. */
type Source =
  | { readonly kind: 'bytes' }
  /** The name of a file in the staging folder, which is on disk. */
  | { readonly kind: 'staged'; readonly name: string }
  | { readonly kind: 'version'; readonly slot: string }

export interface RedoEntry {
  /** The sequence of the key's head that was committed with it. */
  readonly sequence: number
  readonly place?: Source | undefined
  /** The data files that are to be removed: a crash may have left the key in both trees. */
  readonly remove?: readonly FileIdentity[] | undefined
  /** The slots of versions whose files are to be removed. */
  readonly removedSlots?: readonly string[] | undefined
}

/** Returns the value of a redo entry. @param bytes The content of a small object. */
export function encodeRedo(entry: RedoEntry, bytes?: Uint8Array): Buffer {
  const header = Buffer.from(JSON.stringify(entry))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  return Buffer.concat([length, header, bytes ?? Buffer.alloc(0)])
}

export function decodeRedo(value: Buffer): { entry: RedoEntry; bytes: Buffer } | undefined {
  const end = 4 + (value.length < 4 ? 0 : value.readUInt32BE(0))
  const json = parseJsonObject(value.subarray(4, end).toString())
  const sequence = json && readNumber(json, 'sequence')
  if (!json || sequence === undefined) return undefined
  const { place, remove, removedSlots } = json
  const entry = {
    sequence,
    place: readSource(place),
    remove: toList(remove).flatMap((file) => readIdentity(file) ?? []),
    removedSlots: toList(removedSlots).filter((slot) => typeof slot === 'string'),
  }
  return { entry, bytes: value.subarray(end) }
}

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function readSource(value: unknown): Source | undefined {
  if (!isObject(value)) return undefined
  const [name, slot] = [readString(value, 'name'), readString(value, 'slot')]
  if (value['kind'] === 'staged' && name !== undefined) return { kind: 'staged', name }
  if (value['kind'] === 'version' && slot !== undefined) return { kind: 'version', slot }
  return value['kind'] === 'bytes' ? { kind: 'bytes' } : undefined
}

function readIdentity(value: unknown): FileIdentity | undefined {
  if (!isObject(value)) return undefined
  const size = readNumber(value, 'size')
  const [mtimeNs, inode] = [readString(value, 'mtimeNs'), readString(value, 'inode')]
  if (size === undefined || mtimeNs === undefined || inode === undefined) return undefined
  return { size, mtimeNs, inode }
}

/** The number of keys that are read from the index at once. */
const pageSize = 256

/** Does what earlier processes left. Nobody else may use the store meanwhile. */
export async function redoAll(disk: Disk, log: Log): Promise<void> {
  const { end, start } = wholeRange('r')
  let [from, count] = [start, 0]
  for (;;) {
    const page = [...disk.index.list({ start: from, end, limit: pageSize })]
    for (const { key, value } of page) {
      const { bucket, name } = splitRedoKey(key)
      await redoEntry(disk, { bucket, key: name }, value)
      await disk.index.commit([[key, undefined]])
      count += 1
    }
    const last = page.at(-1)
    if (last === undefined) break
    from = Buffer.concat([last.key, Buffer.from([0])])
  }
  if (count > 0) log.info({ changes: count }, 'finished what an earlier server had begun')
}

/** Moves the versions of a bucket into place that dead processes were making current objects. Nobody else may use the bucket meanwhile. */
export async function redoPromotions(disk: Disk, bucket: string): Promise<void> {
  const found: { key: Buffer; value: Buffer; place: Source & { kind: 'version' } }[] = []
  for (const { key, value } of disk.index.list(wholeRange('r', bucket))) {
    const place = decodeRedo(value)?.entry.place
    if (place?.kind === 'version') found.push({ key, value, place })
  }
  for (const { key, value, place } of found) {
    const target = { bucket, key: splitRedoKey(key).name }
    // The entry of one that was moved stays until the move is on disk.
    const from = versionFile(disk, target, place.slot)
    if ((await orAbsent(disk.fs.lstat(from))) === undefined) continue
    await redoEntry(disk, target, value)
    await disk.index.commit([[key, undefined]])
  }
}

function splitRedoKey(key: Buffer): { bucket: string; name: string } {
  const bucket = readBucket(key)
  return { bucket, name: readKey(bucket, key.subarray(0, -sequenceBytes)) }
}
const sequenceBytes = redoKey('', '', 0).length - 2

/** Does again what the entry of one key says, unless it was done or a later change has replaced it. */
export async function redoEntry(
  disk: Disk,
  target: { readonly bucket: string; readonly key: string },
  value: Buffer,
): Promise<void> {
  const { bucket, key } = target
  const redo = decodeRedo(value)
  if (!redo || (await orAbsent(disk.fs.lstat(join(disk.root, bucket)))) === undefined) return
  const { entry, bytes } = redo
  const head = readHead(disk, bucket, key)
  for (const slot of entry.removedSlots ?? [])
    await disk.fs.rm(versionFile(disk, target, slot), { force: true })
  if (head !== undefined && head.sequence !== entry.sequence) return
  await removeAgain(disk, target, entry.remove ?? [])
  if (entry.place && head) await placeAgain(disk, target, { head, place: entry.place, bytes })
}

async function removeAgain(
  disk: Disk,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  identities: readonly FileIdentity[],
): Promise<void> {
  for (let found = await findObject(disk, bucket, key); found;) {
    const { path, identity } = found
    if (!identities.some((removed) => isSameFile(removed, identity))) return
    const folder = await removeDataFile(disk, bucket, path)
    if (folder !== undefined) await disk.folders.settle(folder)
    found = await findObject(disk, bucket, key)
  }
}

function isSameFile(left: FileIdentity, right: FileIdentity): boolean {
  return left.inode === right.inode && left.size === right.size && left.mtimeNs === right.mtimeNs
}

async function placeAgain(
  disk: Disk,
  target: { readonly bucket: string; readonly key: string },
  { head, place, bytes }: { head: Head; place: Source; bytes: Buffer },
): Promise<void> {
  const { bucket, key } = target
  const found = await findObject(disk, bucket, key)
  const [record, replaced] = (found?.head ?? head).records
  if (record === undefined) return
  let from: string
  let identity = record.file
  if (place.kind === 'bytes') {
    // A file of another inode was put there by hand meanwhile.
    const inodes = [record.file.inode, replaced?.file.inode]
    const isOurs = found === undefined || inodes.includes(found.identity.inode)
    if (!isOurs && found.record !== replaced) return
    if (found?.record === record && (await holdsBytes(disk, found.path, bytes))) {
      await syncFile(disk.fs, found.path)
      return disk.folders.settle(join(found.path, '..'))
    }
    const modifiedAtMs = Number(BigInt(record.file.mtimeNs) / 1000n) / 1000
    const staged = await stageBytes(disk, bytes, modifiedAtMs)
    await syncFile(disk.fs, staged.path)
    from = staged.path
    identity = staged.identity
  } else {
    from =
      place.kind === 'staged'
        ? join(stagingFolder(disk.root), place.name)
        : versionFile(disk, target, place.slot)
    if ((await orAbsent(disk.fs.lstat(from))) === undefined) return
  }
  const records = [{ ...record, file: identity }, ...(replaced ? [replaced] : [])]
  await disk.index.commit([[headKey(bucket, key), encodeHead({ ...head, records })]])
  try {
    const path = await moveIntoPlace(disk, { bucket, key, from })
    await disk.folders.settle(join(path, '..'))
    if (found && found.path !== path) await removeDataFile(disk, bucket, found.path)
  } catch (error) {
    if (place.kind === 'bytes') await discardQuietly(disk, from)
    throw error
  }
}

async function holdsBytes({ fs }: Disk, path: string, bytes: Buffer): Promise<boolean> {
  return (await fs.readFile(path)).equals(bytes)
}
