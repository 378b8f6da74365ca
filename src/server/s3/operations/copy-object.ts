/** PUT with `x-amz-copy-source`: an object, or a part of an upload, made of another object's bytes. */
import { createHash } from 'node:crypto'
import { AwsError } from '../../../protocol/aws-error.ts'
import { nameVersionAction } from '../request/action-rules.ts'
import { decodePath, type Address } from '../request/address.ts'
import { readChecksumAlgorithm, startChecksum, type ChecksumAlgorithm } from '../body/checksum.ts'
import { checkCopySource, readWriteCondition } from '../request/conditions.ts'
import { noSuchKey } from '../request/errors.ts'
import { requireBucketName, requireKey } from '../request/names.ts'
import { readMetadataHeaders } from '../request/object-headers.ts'
import type {
  ByteRange,
  ContentFacts,
  ObjectContent,
  ObjectInfo,
  ObjectMetadata,
  OpenObject,
} from '../request/object-store.ts'
import { authorize, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, xmlDate, xmlReply, type XmlElements } from '../request/s3-xml.ts'
import { requireNullVersion } from './read-object.ts'
import { requireBucket } from './service-and-buckets.ts'
import { readTagHeader } from './object-tagging.ts'
import { maxPutBytes } from './write-object.ts'

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: S3Operation = {
  name: 'CopyObject',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket, key } = call
    const isReplacing = readDirective(request.headers, 'x-amz-metadata-directive')
    const isRetagging = readTaggingDirective(request.headers)
    const source = readCopySource(request.headers)
    if (source.bucket === bucket && source.key === key && !isReplacing) {
      throw new AwsError(
        'InvalidRequest',
        'an object can be copied onto itself only with x-amz-metadata-directive: REPLACE',
      )
    }
    const precondition = readWriteCondition(request.headers)
    const object = await openSource(call, source)
    try {
      await requireBucket(call)
      if (object.info.size > maxPutBytes) {
        throw new AwsError('InvalidRequest', 'objects over 5 GiB are copied in parts')
      }
      const carried = isRetagging ? undefined : object.info.metadata.tags
      if (carried !== undefined) await authorizeTags(call, source)
      const tags = isRetagging ? readTagHeader(request.headers) : carried
      const metadata = chooseMetadata(request.headers, object.info, { isReplacing, tags })
      const content = copyContent(object, undefined, chooseAlgorithm(request.headers, object.info))
      const info = await objects.putObject(bucket, key, content, { metadata, precondition })
      return xmlReply('CopyObjectResult', describeCopy(info))
    } finally {
      await object.close()
    }
  },
}

/** Content, ETag and checksum of a result element. */
export function describeCopy(made: {
  lastModifiedMs: number
  etag: string
  checksum?: ObjectInfo['checksum']
}): XmlElements {
  return elements({
    LastModified: xmlDate(made.lastModifiedMs),
    ETag: `"${made.etag}"`,
    ...checksumElements(made),
  })
}

/** `ChecksumCRC32` and its like, with `ChecksumType`. */
export function checksumElements({
  checksum,
}: Pick<ContentFacts, 'checksum'>): Record<string, string> {
  if (!checksum) return {}
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
}

/**
 * Opens a copy's source once the caller may read it; the conditions on it hold.
 *
 * @throws {AwsError} `AccessDenied`, `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`.
 */
export async function openSource(call: S3Call, source: CopySource): Promise<OpenObject> {
  const action = 's3:GetObject'
  await authorize(call, source.version === undefined ? action : nameVersionAction(action), source)
  const object = await call.objects.openObject(source.bucket, source.key)
  if (!object) throw noSuchKey(source.key)
  let isSound = false
  try {
    checkCopySource(call.request.headers, object.info)
    isSound = true
    return object
  } finally {
    if (!isSound) await object.close()
  }
}

/** What is copied. */
export interface CopySource extends Address {
  /** As named; undefined for the newest. */
  readonly version: string | undefined
}

/** The source of a copy here, where there are no versions but `null`. @throws {AwsError} `InvalidArgument`, `NoSuchVersion`. */
export function readCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const source = parseCopySource(headers)
  requireBucketName(source.bucket)
  requireNullVersion(source.version ?? '')
  return source
}

/**
 * Reads `bucket/key`, percent-encoded, with or without a slash before and `?versionId=…` behind. The bucket's name is not checked yet.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function parseCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const text = headers.get('x-amz-copy-source') ?? ''
  const [path = '', version] = text.split('?versionId=')
  const [bucket = '', ...rest] = decodePath(path).replace(/^\//, '').split('/')
  const key = rest.join('/')
  if (bucket === '' || key === '') {
    throw new AwsError('InvalidArgument', 'x-amz-copy-source must be bucket/key, percent-encoded')
  }
  requireKey(key)
  return { bucket, key, version: version === undefined ? undefined : decodePath(version) }
}

/** An open object's bytes as content for the store, hashed as they pass. Does not close it. */
export function copyContent(
  object: OpenObject,
  range: ByteRange | undefined,
  algorithm: ChecksumAlgorithm | undefined,
): ObjectContent {
  let facts: ContentFacts | undefined

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    const md5 = createHash('md5')
    const checksum = algorithm === undefined ? undefined : startChecksum(algorithm)
    const wanted = range ? range.end - range.start + 1 : object.info.size
    let seen = 0
    for await (const chunk of object.read(range)) {
      const bytes: Buffer = chunk
      seen += bytes.length
      md5.update(bytes)
      checksum?.update(bytes)
      yield bytes
    }
    // someone cut the file while it was read
    if (seen !== wanted) throw new Error(`the source has ${seen} bytes instead of ${wanted}`)
    const value = checksum?.digest().toString('base64')
    facts = {
      etag: md5.digest('hex'),
      checksum:
        algorithm === undefined || value === undefined
          ? undefined
          : { algorithm, value, type: 'FULL_OBJECT' },
    }
  }

  return {
    chunks: read(),
    describe: () => {
      if (!facts) throw new Error('the copy was described before its end')
      return facts
    },
  }
}

/** True for REPLACE. @throws {AwsError} `InvalidArgument`. */
function readDirective(headers: ReadonlyMap<string, string>, name: string): boolean {
  const directive = headers.get(name)?.toUpperCase() ?? 'COPY'
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE'
  throw new AwsError('InvalidArgument', `${name} must be COPY or REPLACE`)
}

/** True for REPLACE. @throws {AwsError} `InvalidArgument`, also for tags that would not be given to the copy. */
function readTaggingDirective(headers: ReadonlyMap<string, string>): boolean {
  const isRetagging = readDirective(headers, 'x-amz-tagging-directive')
  if (isRetagging || !headers.has('x-amz-tagging')) return isRetagging
  const message = 'x-amz-tagging on a copy needs x-amz-tagging-directive: REPLACE'
  throw new AwsError('InvalidArgument', message)
}

/**
 * Tags that go with an object are read there and set here («Copying objects», permissions for tags). Asked once it is known that there
 * are some: who copies untagged objects needs neither right.
 */
async function authorizeTags(call: S3Call, source: CopySource): Promise<void> {
  const action = 's3:GetObjectTagging'
  await authorize(call, source.version === undefined ? action : nameVersionAction(action), source)
  await authorize(call, 's3:PutObjectTagging')
}

/** The metadata headers are read only with the directive REPLACE, as at AWS. */
function chooseMetadata(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
  { isReplacing, tags }: { isReplacing: boolean; tags: ObjectMetadata['tags'] },
): ObjectMetadata {
  const { tags: _, ...kept } = isReplacing ? readMetadataHeaders(headers) : source.metadata
  return { ...kept, ...(tags ? { tags } : {}) }
}

function chooseAlgorithm(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
): ChecksumAlgorithm | undefined {
  return readChecksumAlgorithm(headers) ?? source.checksum?.algorithm
}
