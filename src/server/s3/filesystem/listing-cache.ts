/** The cache of folder listings, bounded in memory. `folder-listings.ts` says when a listing may be cached. */
import type { BigIntStats } from 'node:fs'
import { orAbsent } from './disk.ts'
import type { FileSystem } from './file-system.ts'

/** The names of a folder in the order of their bytes; the name of a folder in it ends with `/`. */
export interface FolderListing {
  readonly names: readonly string[]
  /** Path of each name below the folder, where it differs from the name. */
  readonly paths?: readonly string[]
}

/** State of a folder when it was read. */
export interface Stamp {
  readonly path: string
  readonly inode: bigint
  readonly mtimeNs: bigint
  /** Changes with every change of the folder, and cannot be set. */
  readonly ctimeNs: bigint
}

interface CachedListing {
  readonly listing: FolderListing
  /** The folder and those below it that its listing depends on. */
  readonly stamps: readonly Stamp[]
  readonly bytes: number
}

export interface ListingCache {
  /** Returns the listing of a folder if it is cached and no stamp has changed. */
  find(path: string): Promise<FolderListing | undefined>
  remember(path: string, entry: CachedListing): void
}

/** Creates a cache. Beyond `maxBytes` the least recently used listings go. */
export function createListingCache(fs: FileSystem, maxBytes: number): ListingCache {
  const cache = new Map<string, CachedListing>()
  let cachedBytes = 0

  function forget(path: string): void {
    cachedBytes -= cache.get(path)?.bytes ?? 0
    cache.delete(path)
  }

  return {
    async find(path) {
      const cached = cache.get(path)
      if (!cached) return undefined
      for (const stamp of cached.stamps) {
        const stats = await orAbsent(fs.lstat(stamp.path, { bigint: true }))
        if (stats !== undefined && isSame(stats, stamp)) continue
        // Another request may have put a newer one there.
        if (cache.get(path) === cached) forget(path)
        return undefined
      }
      if (cache.get(path) === cached) {
        cache.delete(path)
        cache.set(path, cached)
      }
      return cached.listing
    },

    remember(path, entry) {
      forget(path)
      if (entry.bytes > maxBytes) return
      cache.set(path, entry)
      cachedBytes += entry.bytes
      for (const oldest of cache.keys()) {
        if (cachedBytes <= maxBytes) return
        forget(oldest)
      }
    },
  }
}

function isSame({ ino, mtimeNs, ctimeNs }: BigIntStats, stamp: Stamp): boolean {
  return ino === stamp.inode && mtimeNs === stamp.mtimeNs && ctimeNs === stamp.ctimeNs
}
