/**
 * The interface of object stores. One contract test runs against every store
 * (`test/server/s3/filesystem/object-store.test.ts`).
 *
 * - A write is atomic: until `putObject` resolves, readers see the previous object. If `content` throws, the process dies or the disk is
 *   full, the key does not change.
 * - `precondition` is called with the present object while no other write to that key can happen, so that "only if absent" and
 *   "only if unchanged" hold between concurrent writers.
 * - An object from `openObject` stays readable unchanged, even if the key is overwritten or deleted meanwhile.
 * - Keys are any text of 1 to 1,024 bytes of UTF-8; `a`, `a/`, `a//b` and `a/../b` are four different objects. No key can leave
 *   its bucket.
 * - Lists are in the order of the keys' UTF-8 bytes, and contain an object as soon as `putObject` has resolved.
 * - An unknown bucket is `NoSuchBucket` everywhere except in `hasBucket`. A missing object is `undefined`, and deleting it is not an error.
 */
import type { ChecksumAlgorithm } from '../body/checksum.ts'
import type { ObjectEncryption } from '../body/encryption.ts'
import type { Checksum, ContentFacts, ObjectContent } from '../body/object-content.ts'
import type { Listing, ListOptions, ListVersionsOptions, VersionListing } from './object-lists.ts'
import type { ObjectLock } from './object-lock.ts'

/** Metadata that the client sent with an object, and that is returned with it. */
export interface ObjectMetadata {
  readonly contentType: string
  /** Standard headers kept with the object (`cache-control`, `content-disposition`…), lower-case. */
  readonly headers: Readonly<Record<string, string>>
  /** `x-amz-meta-*` without the prefix, lower-case names. */
  readonly userMetadata: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  /** How the object is encrypted; the store only keeps it. */
  readonly encryption?: ObjectEncryption | undefined
}

export interface ObjectInfo extends ContentFacts {
  readonly key: string
  readonly size: number
  readonly lastModifiedMs: number
  readonly metadata: ObjectMetadata
  /** Undefined in a bucket that never had versioning; `null`, or 32 characters. */
  readonly versionId?: string | undefined
  readonly lock?: ObjectLock | undefined
}

/** A key of a bucket. */
export interface Target {
  readonly bucket: string
  readonly key: string
}

export interface PutOptions {
  readonly metadata: ObjectMetadata
  readonly lock?: ObjectLock | undefined
  /** Throws to refuse the write; called with the present object of the key. */
  readonly precondition?: ((current: ObjectInfo | undefined) => void) | undefined
}

/** A range of bytes; `end` is inclusive, as in a Range header. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Bytes that the store holds already, as the content of another object or of a part. */
export interface StoredContent {
  /** The caller closes it afterwards. */
  readonly object: OpenObject
  /** Undefined for the whole object. */
  readonly range: ByteRange | undefined
  /** What is known without reading the bytes; undefined to compute the MD5, and the checksum of `algorithm`, while they are copied. */
  readonly facts: ContentFacts | undefined
  readonly algorithm: ChecksumAlgorithm | undefined
}

/** Work that stops when its client is gone. */
export interface Stoppable {
  /** When it aborts before the new object is visible, the call throws its reason and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined
}

export interface CompleteOptions extends Stoppable {
  readonly facts: ContentFacts
  readonly precondition?: PutOptions['precondition']
  readonly lock?: ObjectLock | undefined
}

export interface DeleteOptions {
  /** Removes this version for good. Without it, a bucket with versioning gets a delete marker. */
  readonly versionId?: string | undefined
  /** Throws to refuse; called with the object, or the version, that is to be removed or hidden; undefined for a delete marker. */
  readonly precondition?: PutOptions['precondition']
  /** Throws to refuse the removal of a version because of where it stands now among those of its key. */
  readonly requirePosition?: ((position: VersionPosition) => void) | undefined
  readonly mayBypassGovernance?: boolean | undefined
}

export interface VersionPosition {
  readonly isLatest: boolean
  /** True if the key has no other version and no other delete marker. */
  readonly isOnly: boolean
}

/** What a delete did. */
export interface DeleteResult {
  /** The version that was removed, or the delete marker that was made. Undefined in a bucket without versioning. */
  readonly versionId?: string | undefined
  /** True if a delete marker was made or removed. */
  readonly isDeleteMarker?: boolean
}

/** The object that a completed upload made. */
export interface CompletedUpload {
  readonly info: ObjectInfo
  /** Returns whether the upload was completed with exactly these parts. */
  isOf(parts: readonly Pick<PartInfo, 'partNumber' | 'etag'>[]): boolean
}

/** An open object. Call exactly one of `read`, `readAll` or `close` to finish. */
export interface OpenObject {
  readonly info: ObjectInfo
  /** Returns the range, or everything, in memory: for small answers. */
  readAll(range?: ByteRange): Promise<Buffer>
  /** Reads bytes from `position` into the buffer. @returns The number of bytes; 0 at the end of the object. */
  readInto(buffer: Uint8Array, position: number): Promise<number>
  /** Makes a file at `path` that shares the object's blocks (a reflink). @returns False where the file system cannot, and there is no file. */
  cloneTo(path: string): Promise<boolean>
  close(): Promise<void>
}

export interface BucketInfo {
  readonly name: string
  readonly createdAtMs: number
  /** The location constraint that the bucket was created with; empty for none, which is us-east-1. */
  readonly location: string
}

/** A setting of a bucket that is stored as the document which the client sent. */
export type BucketDocument =
  | 'cors'
  | 'encryption'
  | 'lifecycle'
  | 'object-lock'
  | 'ownershipControls'
  | 'policy'
  | 'publicAccessBlock'
  | 'tagging'
  | 'versioning'

/** A multipart upload that has begun. */
export interface UploadInfo {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly initiatedAtMs: number
  readonly metadata: ObjectMetadata
  readonly checksum?: Pick<Checksum, 'algorithm' | 'type'> | undefined
  readonly lock?: ObjectLock | undefined
}

export interface PartInfo {
  readonly partNumber: number
  readonly etag: string
  readonly size: number
  readonly lastModifiedMs: number
  readonly checksum?: Checksum | undefined
}

/** A page of an upload's parts. */
export interface PartsPage {
  /** Only parts with a higher number. */
  readonly after: number
  readonly limit: number
}

export interface ObjectStore {
  /** @throws {AwsError} `BucketAlreadyOwnedByYou`. */
  createBucket(bucket: string, options?: Pick<BucketInfo, 'location'>): Promise<void>
  hasBucket(bucket: string): Promise<boolean>
  /** Returns the location of a bucket. @see BucketInfo.location @throws {AwsError} `NoSuchBucket`. */
  findLocation(bucket: string): Promise<string>
  /** @throws {AwsError} `BucketNotEmpty`, `NoSuchBucket`. Unfinished uploads go with the bucket. */
  deleteBucket(bucket: string): Promise<void>
  /** In the order of their names. */
  listBuckets(): Promise<BucketInfo[]>

  /** Returns a setting's document; undefined if it is not set. */
  readBucketDocument(bucket: string, name: BucketDocument): Promise<string | undefined>
  /**
   * Returns a setting's document at once, for what every request asks; undefined if it is not set, or there is no such bucket.
   */
  findBucketDocument(bucket: string, name: BucketDocument): string | undefined
  /** Replaces a setting's document atomically; undefined removes it. */
  writeBucketDocument(bucket: string, name: BucketDocument, text: string | undefined): Promise<void>

  /**
   * Returns the current object, or a version of it by its ID.
   *
   * @throws {AwsError} `NoSuchVersion`; for a delete marker `NoSuchKey`, or with its ID `MethodNotAllowed`, with AWS's headers.
   */
  statObject(bucket: string, key: string, versionId?: string): Promise<ObjectInfo | undefined>
  /** @throws {AwsError} As `statObject`. */
  openObject(bucket: string, key: string, versionId?: string): Promise<OpenObject | undefined>
  putObject(
    bucket: string,
    key: string,
    content: ObjectContent,
    options: PutOptions,
  ): Promise<ObjectInfo>
  /** Writes an object from stored bytes, without passing them through a stream. @throws {AwsError} as `putObject`. */
  copyObject(
    bucket: string,
    key: string,
    content: StoredContent,
    options: PutOptions & Stoppable,
  ): Promise<ObjectInfo>
  /** @throws {AwsError} `AccessDenied` for a version that is locked. */
  deleteObject(bucket: string, key: string, options?: DeleteOptions): Promise<DeleteResult>
  /** Replaces only the tags: content, ETag and modification time stay. @returns Whether the object exists. */
  replaceTags(
    bucket: string,
    key: string,
    tags: Readonly<Record<string, string>> | undefined,
    versionId?: string,
  ): Promise<boolean>
  /** Replaces only the lock. @param replace Throws to refuse. @returns Whether the object exists. */
  replaceLock(
    bucket: string,
    key: string,
    versionId: string | undefined,
    replace: (current: ObjectLock) => ObjectLock,
  ): Promise<boolean>
  listObjects(bucket: string, options: ListOptions): Promise<Listing>
  /** Returns versions and delete markers, by key, and those of a key the newest first. */
  listVersions(bucket: string, options: ListVersionsOptions): Promise<VersionListing>

  createUpload(
    bucket: string,
    key: string,
    options: Pick<UploadInfo, 'metadata' | 'checksum' | 'lock'>,
  ): Promise<UploadInfo>
  /** @throws {AwsError} `NoSuchUpload`, also when the upload is of another key. */
  findUpload(bucket: string, key: string, uploadId: string): Promise<UploadInfo>
  /** Stores a part. It replaces an earlier part with the same number. */
  putPart(upload: UploadInfo, partNumber: number, content: ObjectContent): Promise<PartInfo>
  /** Returns the parts, ordered by part number; without a page, all. @throws {AwsError} `NoSuchUpload`. */
  listParts(upload: UploadInfo, page?: PartsPage): Promise<PartInfo[]>
  /** As `putPart`, from stored bytes. */
  copyPart(
    upload: UploadInfo,
    partNumber: number,
    content: StoredContent,
    options: Stoppable,
  ): Promise<PartInfo>
  /**
   * Joins the parts to the upload's object, and removes the upload. While it runs, other calls for the same upload wait. If the same upload
   * was completed with the same parts in the meantime, returns the object that this made.
   *
   * @throws {AwsError} `NoSuchUpload`; `InvalidPart` if a part was replaced since it was listed. The upload and its parts remain after any error.
   */
  completeUpload(
    upload: UploadInfo,
    parts: readonly PartInfo[],
    options: CompleteOptions,
  ): Promise<ObjectInfo>
  /** Returns the present object of the key, if completing this upload made it. */
  findCompleted(bucket: string, key: string, uploadId: string): Promise<CompletedUpload | undefined>
  /** Removes an upload and its parts, if it exists. */
  removeUpload(upload: Pick<UploadInfo, 'bucket' | 'uploadId'>): Promise<void>
  /** Returns the unfinished uploads, ordered by key, then by age. */
  listUploads(bucket: string): Promise<UploadInfo[]>

  /** Returns whether the store is ready. */
  checkReady(): Promise<boolean>
  /** Brings everything to disk and closes the store. */
  close(): Promise<void>
}
