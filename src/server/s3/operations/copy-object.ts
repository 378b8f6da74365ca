/** PUT with `x-amz-copy-source`: an object, or a part of an upload, made of another object's bytes. */
import { createHash } from 'node:crypto'
import { AwsError } from '../../../protocol/aws-error.ts'
import { decodePath, type Address } from '../address.ts'
import {
  checksumHeader,
  readAlgorithm,
  startChecksum,
  type ChecksumAlgorithm,
} from '../checksum.ts'
import { checkCopySource, readWriteCondition } from '../conditions.ts'
import { noSuchKey } from '../errors.ts'
import { requireBucketName, requireKey } from '../names.ts'
import { readMetadataHeaders, refuseUnsupported } from '../object-headers.ts'
import type {
  ByteRange,
  ContentFacts,
  ObjectContent,
  ObjectInfo,
  ObjectMetadata,
  OpenObject,
} from '../object-store.ts'
import { authorize, type S3Call, type S3Operation } from '../s3-operation.ts'
import { elements, xmlDate, xmlReply, type XmlElements } from '../s3-xml.ts'
import { requireNullVersion } from './read-object.ts'
import { requireBucket } from './service-and-buckets.ts'
import { readTagHeader } from './tagging.ts'
import { maxPutBytes } from './write-object.ts'

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: S3Operation = {
  name: 'CopyObject',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket, key } = call
    const isReplacing = readDirective(request.headers, 'x-amz-metadata-directive')
    const source = readCopySource(request.headers)
    if (source.bucket === bucket && source.key === key && !isReplacing) {
      throw new AwsError(
        'InvalidRequest',
        'an object can be copied onto itself only with x-amz-metadata-directive: REPLACE',
      )
    }
    refuseUnsupported(request.headers)
    const precondition = readWriteCondition(request.headers)
    const object = await openSource(call, source)
    try {
      await requireBucket(call)
      if (object.info.size > maxPutBytes) {
        throw new AwsError('InvalidRequest', 'objects over 5 GiB are copied in parts')
      }
      const metadata = chooseMetadata(request.headers, object.info, isReplacing)
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
export async function openSource(call: S3Call, source: Address): Promise<OpenObject> {
  await authorize(call, 's3:GetObject', source)
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

/** The source of a copy here, where there are no versions. @throws {AwsError} `InvalidArgument`, `NoSuchVersion`. */
export function readCopySource(headers: ReadonlyMap<string, string>): Address {
  const { version, ...address } = parseCopySource(headers)
  requireBucketName(address.bucket)
  requireNullVersion(version ?? '')
  return address
}

/**
 * Reads `bucket/key`, percent-encoded, with or without a slash before and `?versionId=…` behind. The bucket's name is not checked yet.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function parseCopySource(
  headers: ReadonlyMap<string, string>,
): Address & { readonly version: string | undefined } {
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

function chooseMetadata(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
  isReplacing: boolean,
): ObjectMetadata {
  const { tags: sourceTags, ...kept } = isReplacing ? readMetadataHeaders(headers) : source.metadata
  const isRetagging = readDirective(headers, 'x-amz-tagging-directive')
  const tags = isRetagging ? readTagHeader(headers) : (sourceTags ?? source.metadata.tags)
  return { ...kept, ...(tags ? { tags } : {}) }
}

function chooseAlgorithm(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
): ChecksumAlgorithm | undefined {
  const asked = headers.get('x-amz-checksum-algorithm')
  if (asked === undefined) return source.checksum?.algorithm
  const algorithm = readAlgorithm(asked)
  if (algorithm) return algorithm
  throw new AwsError('InvalidArgument', `there is no ${checksumHeader('CRC32')}-like ${asked}`)
}
