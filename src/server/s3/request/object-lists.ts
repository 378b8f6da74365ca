/** What lists of a store are asked, and what they return. */
import type { ObjectInfo } from './object-store.ts'

export interface ListOptions {
  readonly prefix: string
  /** Empty if there is none. */
  readonly delimiter: string
  /** Only keys and common prefixes after this one, in byte order; empty for the start. */
  readonly after: string
  readonly limit: number
}

export type ListEntry =
  | { readonly kind: 'object'; readonly name: string; readonly info: ObjectInfo }
  | { readonly kind: 'prefix'; readonly name: string }

export interface Listing {
  readonly entries: readonly ListEntry[]
  readonly isTruncated: boolean
}

export interface ListVersionsOptions extends Pick<ListOptions, 'prefix' | 'delimiter' | 'limit'> {
  /** Only keys after this one, and versions of it after `versionIdMarker`; empty for the start. */
  readonly keyMarker: string
  readonly versionIdMarker?: string | undefined
}

export type VersionListEntry =
  | {
      readonly kind: 'object'
      readonly name: string
      readonly info: ObjectInfo
      readonly isLatest: boolean
    }
  | {
      readonly kind: 'marker'
      readonly name: string
      readonly versionId: string
      readonly lastModifiedMs: number
      readonly isLatest: boolean
    }
  | { readonly kind: 'prefix'; readonly name: string }

export interface VersionListing {
  readonly entries: readonly VersionListEntry[]
  readonly isTruncated: boolean
}
