/** The bytes of an object on their way to the store, and what is known of them at their end. */
import type { ChecksumAlgorithm } from './checksum.ts'

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64; `…-N` for a composite over N parts. */
  readonly value: string
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

/** What is known of the bytes once they have all been seen. */
export interface ContentFacts {
  /** Without quotes: MD5 in hex, or MD5-of-MD5s `-N` for a multipart object. */
  readonly etag: string
  readonly checksum?: Checksum | undefined
  /** Sizes in bytes of the parts a multipart object was made of. */
  readonly partSizes?: readonly number[] | undefined
}

/** Bytes to be stored. The iteration throws when they turn out not to be what was promised. */
export interface ObjectContent {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Called once `chunks` has ended. */
  describe(): ContentFacts
}
