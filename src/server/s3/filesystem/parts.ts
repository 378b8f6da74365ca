/**
 * The parts of a multipart upload. Everything about a part except its bytes is in the name of its file, so that a list of parts reads folders and
 * opens no file: `NUMBER.GENERATION.SIZE.MODIFIED.ETAG[.ALGORITHM.HEX].part`. A part exists from the rename of its file on. A part that
 * replaces another has the next generation: until the older file is removed, also after a crash, the highest generation is the part.
 *
 * Each hundred of numbers has a folder: an upload of a part looks for the one that it replaces among these only, and a page of a list reads
 * only the folders of its own numbers.
 */
import { dirname, join } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { checksumAlgorithms } from '../body/checksum.ts'
import type { Checksum, ContentFacts } from '../body/object-content.ts'
import type { PartInfo, PartsPage } from '../request/object-store.ts'
import { orAbsent, type Disk } from './disk.ts'
import { discardFile, makeFoldersBelow, type StagedFile } from './staging.ts'

const numbersPerFolder = 100

/** A part with the path of its file. */
export interface StoredPart extends PartInfo {
  readonly path: string
  readonly generation: number
}

const partName =
  /^(\d{1,5})\.(\d{1,9})\.(\d{1,16})\.(\d{1,16})\.([\w-]{1,64})(?:\.([A-Z0-9]{1,16})\.([0-9a-f]{2,128}))?\.part$/

/**
 * Makes a staged file a part of the upload; it replaces an earlier part of the same number. The caller holds the lock of the upload's folder.
 *
 * @throws Node's own error; `ENOENT` if the upload was removed.
 */
export async function placePart(
  disk: Disk,
  folder: string,
  part: Pick<PartInfo, 'partNumber' | 'lastModifiedMs'> & {
    readonly facts: ContentFacts
    readonly staged: StagedFile
  },
): Promise<PartInfo> {
  const { partNumber, lastModifiedMs, staged, facts } = part
  const inner = innerFolder(folder, partNumber)
  const replaced = (await readInner(disk, inner, true)).filter(
    (earlier) => earlier.partNumber === partNumber,
  )
  const generation = Math.max(0, ...replaced.map((earlier) => earlier.generation)) + 1
  const { etag, checksum } = facts
  const info = { partNumber, etag, size: staged.identity.size, lastModifiedMs, checksum }
  const path = join(inner, writeName({ ...info, generation }))
  await renameInto(disk, folder, { from: staged.path, to: path })
  try {
    await disk.folders.settle(inner)
  } catch (error) {
    // The client is told that its part is not stored.
    await discardFile(disk, path).catch(() => {})
    throw error
  }
  for (const earlier of replaced) await discardFile(disk, earlier.path)
  return info
}

/** Returns the parts of an upload in the order of their numbers; undefined if its folder does not exist. */
export async function readParts(
  disk: Disk,
  folder: string,
  { after, limit }: PartsPage = { after: 0, limit: Number.POSITIVE_INFINITY },
): Promise<StoredPart[] | undefined> {
  const names = await orAbsent(disk.fs.readdir(folder))
  if (!names) return undefined
  const hundreds = names
    .filter((name) => /^\d{1,3}$/.test(name))
    .map(Number)
    .filter((hundred) => hundred >= Math.floor((after + 1) / numbersPerFolder))
    .toSorted((left, right) => left - right)
  const parts: StoredPart[] = []
  for (const hundred of hundreds) {
    if (parts.length >= limit) break
    const found = await readInner(disk, join(folder, String(hundred)))
    parts.push(...found.filter(({ partNumber }) => partNumber > after))
  }
  return parts.length > limit ? parts.slice(0, limit) : parts
}

function innerFolder(folder: string, partNumber: number): string {
  return join(folder, String(Math.floor(partNumber / numbersPerFolder)))
}

/** @param isWhole Includes files that a newer one replaces. */
async function readInner(disk: Disk, inner: string, isWhole = false): Promise<StoredPart[]> {
  const names = (await orAbsent(disk.fs.readdir(inner))) ?? []
  const parts = names
    .flatMap((name) => readName(inner, name) ?? [])
    .toSorted((left, right) => {
      return left.partNumber - right.partNumber || left.generation - right.generation
    })
  if (isWhole) return parts
  return parts.filter((part, index) => parts[index + 1]?.partNumber !== part.partNumber)
}

function writeName(part: PartInfo & Pick<StoredPart, 'generation'>): string {
  const { partNumber, generation, size, lastModifiedMs, etag, checksum } = part
  const fields = [partNumber, generation, size, lastModifiedMs, etag]
  const hex = checksum && Buffer.from(checksum.value, 'base64').toString('hex')
  return [...fields, ...(checksum ? [checksum.algorithm, hex] : []), 'part'].join('.')
}

function readName(inner: string, name: string): StoredPart | undefined {
  const match = partName.exec(name)
  if (!match) return undefined
  const [, number, generation, size, lastModifiedMs, etag = '', algorithm, hex] = match
  return {
    partNumber: Number(number),
    generation: Number(generation),
    size: Number(size),
    lastModifiedMs: Number(lastModifiedMs),
    etag,
    checksum: readPartChecksum(algorithm, hex),
    path: join(inner, name),
  }
}

function readPartChecksum(name: string | undefined, hex: string | undefined): Checksum | undefined {
  const algorithm = checksumAlgorithms.find((known) => known === name)
  if (algorithm === undefined || hex === undefined) return undefined
  return { algorithm, value: Buffer.from(hex, 'hex').toString('base64'), type: 'FULL_OBJECT' }
}

/** Renames into the folder of a hundred, which the first part creates. */
async function renameInto(
  disk: Disk,
  folder: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  try {
    await disk.fs.rename(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await makeFoldersBelow(disk, dirname(to), { top: folder, mode: 0o700 })
    await disk.fs.rename(from, to)
  }
}
