/** The source of a copy: parses `x-amz-copy-source`, authorizes reading it, and reads its content. */
import { createHash } from 'node:crypto'
import { type ChecksumAlgorithm, startChecksum } from '../body/checksum.ts'
import { nameVersionAction } from './action-rules.ts'
import { type Address, decodePath } from './address.ts'
import { checkCopySource } from './conditions.ts'
import { invalidArgument, noSuchKey } from './errors.ts'
import { requireBucketName, requireKey } from './names.ts'
import type { ByteRange, OpenObject } from './object-store.ts'
import type { ContentFacts, ObjectContent } from '../body/object-content.ts'
import { authorize, type S3Call } from './s3-operation.ts'
import { requireNullVersionId } from './versions.ts'

/**
 * Authorizes the caller to read a copy's source, opens it, and checks the conditions on it.
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

/** The object to copy. */
export interface CopySource extends Address {
  /** Version ID as given; undefined for the newest. */
  readonly version: string | undefined
}

/** Reads the source of a copy in the embedded store, whose only version is `null`. @throws {AwsError} `InvalidArgument`, `NoSuchVersion`. */
export function readCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const source = parseCopySource(headers)
  requireBucketName(source.bucket)
  requireNullVersionId(source.version ?? '')
  return source
}

/**
 * Reads `bucket/key`, percent-encoded, with an optional leading slash and an optional `?versionId=…`. The bucket's name is not checked yet.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function parseCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const text = headers.get('x-amz-copy-source') ?? ''
  const [path = '', version] = text.split('?versionId=')
  const [bucket = '', ...rest] = decodePath(path).replace(/^\//, '').split('/')
  const key = rest.join('/')
  if (bucket === '' || key === '') {
    throw invalidArgument(
      { name: 'x-amz-copy-source', value: text },
      'x-amz-copy-source must be bucket/key, percent-encoded',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  }
  requireKey(key)
  return { bucket, key, version: version === undefined ? undefined : decodePath(version) }
}

/** Returns an open object's bytes as content for the store, hashed while they are read. Does not close the object. */
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
    // The file was truncated while it was read.
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
