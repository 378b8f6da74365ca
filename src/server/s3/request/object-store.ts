/**
 * Where objects live. The contract below holds for every store, and is one test run against each
 * (`test/server/s3/filesystem/object-store.test.ts`).
 *
 * - A write is whole or absent: until `putObject` resolves, readers see what was there before; a `content` that throws, a
 *   process that dies or a disk that fills leaves no trace in the key.
 * - `precondition` is asked with the present object while no other write to that key can happen, so that «only if absent» and
 *   «only if unchanged» hold between concurrent writers.
 * - What `openObject` gave stays readable as it was, though the key be overwritten or deleted meanwhile.
 * - Keys are any text of 1 to 1,024 bytes of UTF-8; `a`, `a/`, `a//b` and `a/../b` are four different objects. No key reaches
 *   outside its bucket.
 * - Listing is in the order of the keys' UTF-8 bytes, and an object is in it as soon as `putObject` has resolved.
 * - An unknown bucket is `NoSuchBucket` everywhere but in `hasBucket`; a missing object is `undefined`, and no error to delete.
 */
import type { Readable } from 'node:stream'
import type { Checksum, ContentFacts, ObjectContent } from '../body/object-content.ts'

/** What the client said about an object and gets back with it. */
export interface ObjectMetadata {
  readonly contentType: string
  /** Standard headers kept with the object (`cache-control`, `content-disposition`…), lower-case. */
  readonly headers: Readonly<Record<string, string>>
  /** `x-amz-meta-*` without the prefix, lower-case names. */
  readonly userMetadata: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
}

export interface ObjectInfo extends ContentFacts {
  readonly key: string
  readonly size: number
  readonly lastModifiedMs: number
  readonly metadata: ObjectMetadata
}

export interface PutOptions {
  readonly metadata: ObjectMetadata
  /** Throws to refuse the write, given what the key holds at that instant. */
  readonly precondition?: ((current: ObjectInfo | undefined) => void) | undefined
}

/** A stretch of bytes; `end` is the last one, as in a Range header. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** An object held open. Exactly one of `read`, `readAll` or `close` ends it. */
export interface OpenObject {
  readonly info: ObjectInfo
  /** Streams the range, or everything; closes the object at its end. */
  read(range?: ByteRange): Readable
  /** The range, or everything, at once: for small answers. */
  readAll(range?: ByteRange): Promise<Buffer>
  close(): Promise<void>
}

export interface ListOptions {
  readonly prefix: string
  /** Empty for none. */
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

export interface BucketInfo {
  readonly name: string
  readonly createdAtMs: number
}

/** A multipart upload that has begun. */
export interface UploadInfo {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly initiatedAtMs: number
  readonly metadata: ObjectMetadata
  readonly checksum?: Pick<Checksum, 'algorithm' | 'type'> | undefined
}

export interface PartInfo {
  readonly partNumber: number
  readonly etag: string
  readonly size: number
  readonly lastModifiedMs: number
  readonly checksum?: Checksum | undefined
}

export interface ObjectStore {
  /** @throws {AwsError} `BucketAlreadyOwnedByYou`. */
  createBucket(bucket: string): Promise<void>
  hasBucket(bucket: string): Promise<boolean>
  /** @throws {AwsError} `BucketNotEmpty`, `NoSuchBucket`. Unfinished uploads go with the bucket. */
  deleteBucket(bucket: string): Promise<void>
  /** In the order of their names. */
  listBuckets(): Promise<BucketInfo[]>

  statObject(bucket: string, key: string): Promise<ObjectInfo | undefined>
  openObject(bucket: string, key: string): Promise<OpenObject | undefined>
  putObject(
    bucket: string,
    key: string,
    content: ObjectContent,
    options: PutOptions,
  ): Promise<ObjectInfo>
  deleteObject(bucket: string, key: string): Promise<void>
  /** Tags alone change: bytes, ETag and time of change stay. @returns Whether there is such an object. */
  replaceTags(
    bucket: string,
    key: string,
    tags: Readonly<Record<string, string>> | undefined,
  ): Promise<boolean>
  listObjects(bucket: string, options: ListOptions): Promise<Listing>

  createUpload(
    bucket: string,
    key: string,
    options: Pick<UploadInfo, 'metadata' | 'checksum'>,
  ): Promise<UploadInfo>
  /** @throws {AwsError} `NoSuchUpload`, also when the upload is of another key. */
  findUpload(bucket: string, key: string, uploadId: string): Promise<UploadInfo>
  /** A second part of the same number replaces the first. */
  putPart(upload: UploadInfo, partNumber: number, content: ObjectContent): Promise<PartInfo>
  /** By part number. */
  listParts(upload: UploadInfo): Promise<PartInfo[]>
  /** The bytes of one part. @throws {AwsError} `NoSuchUpload` when it has been taken away. */
  readPart(upload: UploadInfo, partNumber: number): AsyncIterable<Uint8Array>
  /** Forgets an upload and its parts. */
  removeUpload(upload: UploadInfo): Promise<void>
  /** By key, then by age. */
  listUploads(bucket: string): Promise<UploadInfo[]>

  /** Whether the store can answer. */
  checkReady(): Promise<boolean>
}
