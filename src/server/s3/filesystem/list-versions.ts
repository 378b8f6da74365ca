/** One page of a list of versions: the current objects, which are files, and the other versions and delete markers, which are entries of the index. */
import type {
  ListVersionsOptions,
  VersionListEntry,
  VersionListing,
} from '../request/object-lists.ts'
import type { Disk } from './disk.ts'
import type { PlacedVersion } from './find-version.ts'
import { afterPrefix, readVersionKey, versionKey, versionPrefix } from './index-keys.ts'
import { commonPrefix, describeKeyFile, type Found, rollUp } from './list-objects.ts'
import { describeRecord, readHead, requireBucket } from './locate.ts'
import { decodeVersion } from './records.ts'
import type { IndexRange } from './store-index.ts'

/** The most entries that are read from the index at once. */
const maxPage = 256
/** After a common prefix only one is read, and four times as many each time that its page is used up: most of a page would be passed over. */
const pageGrowth = 4

interface FoundVersion extends PlacedVersion {
  readonly kind: 'version'
  readonly key: string
  readonly isLatest: boolean
}

type FoundEntry = Exclude<Found, FoundVersion> | FoundVersion

/** @see ObjectStore.listVersions */
export async function listVersions(
  disk: Disk,
  bucket: string,
  options: ListVersionsOptions,
): Promise<VersionListing> {
  await requireBucket(disk, bucket)
  if (options.limit <= 0) return { entries: [], isTruncated: false }
  const entries: VersionListEntry[] = []
  for await (const found of merge(disk, bucket, options)) {
    const entry = await describe(disk, bucket, found)
    if (entry === undefined) continue
    if (entries.length === options.limit) return { entries, isTruncated: true }
    entries.push(entry)
  }
  return { entries, isTruncated: false }
}

async function describe(
  disk: Disk,
  bucket: string,
  found: FoundEntry,
): Promise<VersionListEntry | undefined> {
  const name = found.key
  if (found.kind === 'prefix') return { kind: 'prefix', name }
  if (found.kind === 'file') {
    const info = await describeKeyFile(disk, bucket, found)
    return info && { kind: 'object', name, info, isLatest: true }
  }
  const { isLatest, entry } = found
  const { versionId, lastModifiedMs, record } = entry
  if (record === undefined) return { kind: 'marker', name, versionId, lastModifiedMs, isLatest }
  const info = describeRecord(disk, { bucket, key: name }, { ...record, versionId })
  // Only a delete marker is the latest version without a file.
  return { kind: 'object', name, info, isLatest: false }
}

/** Yields both kinds in the order of their keys, a key's current object first. */
async function* merge(
  disk: Disk,
  bucket: string,
  options: ListVersionsOptions,
): AsyncGenerator<FoundEntry, void, undefined> {
  const { prefix, delimiter, keyMarker: after } = options
  yield* listRest(disk, bucket, options)
  const files = rollUp(disk, bucket, { prefix, delimiter, after })
  const versions = walkVersions(disk, bucket, options)
  let file = (await files.next()).value
  let version = versions.next().value
  while (file || version) {
    const order = compare(file, version)
    if (file && order <= 0) {
      yield file
      const { kind, key } = file
      file = (await files.next()).value
      if (order < 0 || !version) continue
      if (kind === 'prefix') version = versions.next().value
      else
        version =
          version.kind === 'version' && version.key === key
            ? { ...version, isLatest: false }
            : version
    } else if (version) {
      yield version
      version = versions.next().value
    }
  }
}

/** Compares the keys by bytes. */
function compare(file: Found | void, version: FoundEntry | void): number {
  if (!file || !version) return file ? -1 : 1
  return Buffer.compare(Buffer.from(file.key), Buffer.from(version.key))
}

/** Yields the versions of the marked key that come after the marked version. */
function* listRest(
  disk: Disk,
  bucket: string,
  { prefix, delimiter, keyMarker: key, versionIdMarker }: ListVersionsOptions,
): Generator<FoundVersion, void, undefined> {
  if (versionIdMarker === undefined || versionIdMarker === '' || !key.startsWith(prefix)) return
  if (commonPrefix(key, prefix, delimiter) !== undefined) return
  const slot = versionIdMarker === 'null' ? readHead(disk, bucket, key)?.nullSlot : versionIdMarker
  // Version IDs are in the order of their slots, also the one of the current object, which has none.
  let start = versionKey(bucket, key, slot === undefined ? '' : `${slot}\0`)
  const end = versionKey(bucket, key, '~')
  for (;;) {
    const page = readPage(disk, bucket, { start, end, limit: maxPage })
    for (const each of page) {
      const found = decode(each, false)
      if (found) yield found
    }
    const last = page.at(-1)
    if (last === undefined) return
    start = versionKey(bucket, key, `${last.slot}\0`)
  }
}

function* walkVersions(
  disk: Disk,
  bucket: string,
  { prefix, delimiter, keyMarker }: ListVersionsOptions,
): Generator<FoundEntry, void, undefined> {
  const end = afterPrefix(versionPrefix(bucket, prefix))
  const afterMarker =
    commonPrefix(keyMarker, prefix, delimiter) === keyMarker
      ? afterPrefix(versionPrefix(bucket, keyMarker))
      : versionKey(bucket, keyMarker, '~')
  const first = versionPrefix(bucket, prefix)
  let start = keyMarker !== '' && Buffer.compare(afterMarker, first) > 0 ? afterMarker : first
  let lastKey: string | undefined
  let limit = 1
  while (Buffer.compare(start, end) < 0) {
    const page = readPage(disk, bucket, { start, end, limit })
    let passed: string | undefined
    for (const each of page) {
      passed = commonPrefix(each.key, prefix, delimiter)
      if (passed !== undefined) break
      const found = decode(each, each.key !== lastKey)
      lastKey = each.key
      if (found) yield found
    }
    const last = page.at(-1)
    limit = passed === undefined ? Math.min(maxPage, limit * pageGrowth) : 1
    if (passed !== undefined) {
      yield { kind: 'prefix', key: passed }
      start = afterPrefix(versionPrefix(bucket, passed))
    } else if (last === undefined) return
    else start = versionKey(bucket, last.key, `${last.slot}\0`)
  }
}

/** An entry of the index that is not decoded yet: those below a common prefix never are. */
interface ReadVersion {
  readonly key: string
  readonly slot: string
  readonly value: Buffer
}

function readPage({ index }: Disk, bucket: string, range: IndexRange): ReadVersion[] {
  return [...index.list(range)].map(({ key, value }) => ({ ...readVersionKey(bucket, key), value }))
}

/** Returns undefined for an entry that cannot be read. */
function decode({ key, slot, value }: ReadVersion, isLatest: boolean): FoundVersion | undefined {
  const entry = decodeVersion(value)
  return entry && { kind: 'version', key, slot, entry, isLatest }
}
