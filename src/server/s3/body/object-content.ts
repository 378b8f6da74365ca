/** The content of an object on its way to the store, and what is known at its end. */
import type { ChecksumAlgorithm, ChecksumType } from './checksum.ts'

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64; `…-N` for a composite over N parts. */
  readonly value: string
  readonly type: ChecksumType
}

/** What is known when all bytes have been read. */
export interface ContentFacts {
  /** Without quotes: MD5 in hex, or MD5-of-MD5s `-N` for a multipart object. */
  readonly etag: string
  readonly checksum?: Checksum | undefined
  /** Sizes in bytes of the parts of a multipart object. */
  readonly partSizes?: readonly number[] | undefined
  /** Checksums of these parts, in base64, of the object's algorithm; undefined if the upload named none. */
  readonly partChecksums?: readonly string[] | undefined
}

/** Content to be stored. The iteration throws if the bytes do not match their declarations. */
export interface ObjectContent {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Called once `chunks` has ended. */
  describe(): ContentFacts
}
