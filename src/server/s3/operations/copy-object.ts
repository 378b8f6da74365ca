/** PUT /bucket/key with `x-amz-copy-source`: copies an object. */
import { AwsError } from '../../../protocol/aws-error.ts'
import {
  type ChecksumAlgorithm,
  defaultAlgorithm,
  loadChecksum,
  readChecksumAlgorithm,
} from '../body/checksum.ts'
import { nameVersionAction } from '../request/action-rules.ts'
import { invalidArgument } from '../request/errors.ts'
import { prepareExpiration } from '../request/expiry-headers.ts'
import { checkBeforeWrite, readWriteCondition } from '../request/conditions.ts'
import {
  type CopySource,
  describeSource,
  openSource,
  readCopySource,
  toStoredContent,
  withSource,
} from '../request/copy-source.ts'
import { chooseLock, readLockHeaders } from '../request/lock-headers.ts'
import { readMetadataHeaders } from '../request/object-headers.ts'
import { chooseEncryption, encryptFor, readAsContent } from '../request/encrypt-object.ts'
import { describeEncryption } from '../request/encryption-headers.ts'
import type { ObjectContent } from '../body/object-content.ts'
import type { ObjectInfo, ObjectMetadata, PutOptions } from '../request/object-store.ts'
import { describeCopy } from '../request/result-elements.ts'
import { authorize, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { readTagHeader } from '../request/tag-header.ts'
import { describeNewVersion } from '../request/versions.ts'
import { maxPutBytes } from '../request/upload-parameters.ts'

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: S3Operation = {
  name: 'CopyObject',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket, key } = call
    const isReplacing = readDirective(request.headers, 'x-amz-metadata-directive')
    const isRetagging = readTaggingDirective(request.headers)
    const source = readCopySource(request.headers)
    const isOntoItself = source.bucket === bucket && source.key === key
    if (isOntoItself && source.version === undefined && !isReplacing) requireChange(request.headers)
    const precondition = readWriteCondition(request.headers)
    const named = readLockHeaders(request.headers, request.receivedAtMs)
    const chosen = chooseEncryption(call)
    const putContent = (...put: [ObjectContent, PutOptions]): Promise<ObjectInfo> => {
      return objects.putObject(bucket, key, ...put)
    }
    return withSource(await openSource(call, source), async (object) => {
      const describeExpiration = prepareExpiration(call)
      // The source's own lock is not copied, as at AWS.
      const lock = await chooseLock(call, named)
      if (object.info.size > maxPutBytes) {
        throw new AwsError('InvalidRequest', 'objects over 5 GiB are copied in parts')
      }
      const carried = isRetagging ? undefined : object.info.metadata.tags
      if (carried !== undefined) await authorizeTags(call, source)
      const tags = isRetagging ? readTagHeader(request.headers) : carried
      const { encryption, customerKey } = chosen
      const metadata = {
        ...chooseMetadata(request.headers, object.info, { isReplacing, tags }),
        ...(encryption ? { encryption } : {}),
      }
      const algorithm = chooseAlgorithm(request.headers, object.info)
      await loadChecksum(algorithm)
      // Once more when the object is written: this one decides with a status of its own.
      await checkBeforeWrite(call, precondition)
      return async (signal) => {
        const options = { metadata, lock, precondition, signal }
        const read = { range: undefined, algorithm, signal }
        const info =
          encryption?.kind === 'SSE-C'
            ? await putContent(encryptFor(readAsContent(object, read), call, chosen), options)
            : await objects.copyObject(
                bucket,
                key,
                toStoredContent(object, undefined, algorithm),
                options,
              )
        const headers = {
          ...describeEncryption(encryption, customerKey),
          ...describeSource(object),
          ...describeNewVersion(info),
          ...describeExpiration(info),
        }
        return xmlReply('CopyObjectResult', describeCopy(info), headers)
      }
    })
  },
}

/** Headers that change something about an object that is copied onto itself: AWS's list, and its checksum, which AWS adds in place too. */
const changes = [
  'x-amz-storage-class',
  'x-amz-checksum-algorithm',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-customer-algorithm',
]

/** @throws {AwsError} `InvalidRequest` with AWS's sentence for a copy of an object onto itself that changes nothing. */
function requireChange(headers: ReadonlyMap<string, string>): void {
  if (changes.some((name) => headers.has(name))) return
  const reason = 'an object can be copied onto itself only with x-amz-metadata-directive: REPLACE'
  const sentence =
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
  throw new AwsError('InvalidRequest', reason, { sentence })
}

/** Returns true for REPLACE, false for COPY. @throws {AwsError} `InvalidArgument`. */
function readDirective(headers: ReadonlyMap<string, string>, name: string): boolean {
  const directive = headers.get(name)?.toUpperCase() ?? 'COPY'
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE'
  const what = name === 'x-amz-metadata-directive' ? 'metadata' : 'tagging'
  throw invalidArgument(
    { name, value: directive },
    `${name} must be COPY or REPLACE`,
    `Unknown ${what} directive.`,
  )
}

/** Returns true for REPLACE. @throws {AwsError} `InvalidArgument`, also for tags that would be ignored. */
function readTaggingDirective(headers: ReadonlyMap<string, string>): boolean {
  const isRetagging = readDirective(headers, 'x-amz-tagging-directive')
  if (isRetagging || !headers.has('x-amz-tagging')) return isRetagging
  const message = 'x-amz-tagging on a copy needs x-amz-tagging-directive: REPLACE'
  throw new AwsError('InvalidArgument', message)
}

/**
 * Authorizes copying tags: reading them at the source and writing them here (AWS, "Copying objects"). Called only if the source has tags:
 * to copy an object without tags, the caller needs neither permission.
 */
async function authorizeTags(call: S3Call, source: CopySource): Promise<void> {
  const action = 's3:GetObjectTagging'
  await authorize(call, source.version === undefined ? action : nameVersionAction(action), source)
  await authorize(call, 's3:PutObjectTagging')
}

/** Returns the metadata of the copy, but for its encryption, which is never the source's. As in AWS, the metadata headers count only with the directive REPLACE. */
function chooseMetadata(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
  { isReplacing, tags }: { isReplacing: boolean; tags: ObjectMetadata['tags'] },
): ObjectMetadata {
  const {
    tags: _tags,
    encryption: _encryption,
    ...kept
  } = isReplacing ? readMetadataHeaders(headers) : source.metadata
  return { ...kept, ...(tags ? { tags } : {}) }
}

function chooseAlgorithm(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
): ChecksumAlgorithm {
  return readChecksumAlgorithm(headers) ?? source.checksum?.algorithm ?? defaultAlgorithm
}
