/** Pages of a bucket's versions, for a loop that removes what it lists. */
import type { ObjectStore } from '../request/object-store.ts'
import type { Version } from './judge-versions.ts'

/** Versions in one page; two pages are in memory at a time. */
const pageSize = 1000

/** A version, and whether it is the last of its key in the list: the oldest. */
export interface Listed {
  readonly version: Version
  readonly isLastOfKey: boolean
}

export interface PagesOptions {
  readonly bucket: string
  readonly prefix: string
  /** True if the bucket has, or had, versioning. */
  readonly isVersioned: boolean
}

/**
 * Yields the versions of a bucket page by page, the newest of each key first. The next page is read before a page is yielded, because its
 * position is the last version of the page before, which the caller may remove.
 */
export async function* listPages(
  objects: ObjectStore,
  options: PagesOptions,
): AsyncGenerator<readonly Listed[]> {
  let page = await readPage(objects, options, undefined)
  while (page.versions.length > 0) {
    const { versions, isTruncated } = page
    const next = isTruncated
      ? await readPage(objects, options, versions.at(-1))
      : { versions: [], isTruncated: false }
    const following = [...versions.slice(1), next.versions[0]]
    yield versions.map((version, at) => ({
      version,
      isLastOfKey: following[at]?.name !== version.name,
    }))
    page = next
  }
}

interface Page {
  readonly versions: readonly Version[]
  readonly isTruncated: boolean
}

async function readPage(
  objects: ObjectStore,
  { bucket, prefix, isVersioned }: PagesOptions,
  last: Version | undefined,
): Promise<Page> {
  const from = { prefix, delimiter: '', limit: pageSize }
  if (!isVersioned) {
    const page = await objects.listObjects(bucket, { ...from, after: last?.name ?? '' })
    const versions = page.entries.flatMap((entry): Version[] =>
      entry.kind === 'object' ? [{ ...entry, isLatest: true }] : [],
    )
    return { versions, isTruncated: page.isTruncated }
  }
  const { entries, isTruncated } = await objects.listVersions(bucket, {
    ...from,
    keyMarker: last?.name ?? '',
    versionIdMarker: last && toVersionId(last),
  })
  return { versions: entries.filter((entry) => entry.kind !== 'prefix'), isTruncated }
}

/** Returns the ID of a version; `null` for one from before its bucket had versioning. */
export function toVersionId(version: Version): string {
  return version.kind === 'marker' ? version.versionId : (version.info.versionId ?? 'null')
}
