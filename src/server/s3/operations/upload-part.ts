/** PUT /bucket/key?partNumber&uploadId: uploads a part, from the body or as a copy. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { defaultAlgorithm, readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import { otherAlgorithm } from '../body/checksum-errors.ts'
import type { Declarations } from '../body/declarations.ts'
import {
  describeSource,
  openSource,
  readCopySource,
  toStoredContent,
  withSource,
} from '../request/copy-source.ts'
import { encryptFor, readAsContent, type NewEncryption } from '../request/encrypt-object.ts'
import {
  describeEncryption,
  readCustomerKey,
  requireNoEncryptionHeader,
  requireUploadKey,
} from '../request/encryption-headers.ts'
import { invalidArgument } from '../request/errors.ts'
import { describeChecksum } from '../request/object-headers.ts'
import type { ByteRange, PartInfo, UploadInfo } from '../request/object-store.ts'
import { describeCopy } from '../request/result-elements.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { xmlReply } from '../request/s3-xml.ts'
import { maxPutBytes, readPartNumber, readUploadId } from '../request/upload-parameters.ts'

/** PUT /bucket/key?partNumber&uploadId */
export const uploadPart: S3Operation = {
  name: 'UploadPart',
  action: 's3:PutObject',
  async run(call) {
    const partNumber = readPartNumber(call.query.get('partNumber') ?? '')
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    const keptAlgorithm = upload.checksum?.algorithm ?? defaultAlgorithm
    const payload = openBody(call, { maxBytes: maxPutBytes, keptAlgorithm })
    requireUploadAlgorithm(upload, call.request.headers, payload.declarations)
    const encrypted = requireEncryptionOf(upload, call.request)
    const content = encryptFor(payload, call, encrypted, partNumber)
    const part = await call.objects.putPart(upload, partNumber, content)
    const checksum = payload.findVerified() ?? part.checksum
    const { 'x-amz-checksum-type': _, ...described } = describeChecksum({ checksum })
    const { encryption, customerKey } = encrypted
    const headers = { ...described, ...describeEncryption(encryption, customerKey) }
    return { status: 200, headers: { etag: `"${part.etag}"`, ...headers } }
  },
}

/** Returns how the parts of an upload are encrypted. @throws {AwsError} For another key than the upload's, and for S3's own keys, which only the upload names. */
function requireEncryptionOf(
  { metadata: { encryption } }: UploadInfo,
  request: S3Call['request'],
): NewEncryption {
  requireNoEncryptionHeader(request.headers)
  return { encryption, customerKey: requireUploadKey(encryption, readCustomerKey(request)) }
}

/**
 * Requires the checksum algorithm of the upload. A part of a composite must come with its checksum, because S3 computes it for full objects only.
 *
 * @throws {AwsError} `InvalidRequest`.
 */
function requireUploadAlgorithm(
  { checksum }: UploadInfo,
  headers: ReadonlyMap<string, string>,
  declarations: Declarations,
): void {
  const named = readChecksumAlgorithm(headers)
  const declared = declarations.checksum?.algorithm
  requireSameAlgorithm(checksum?.algorithm ?? named, declared)
  requireSameAlgorithm(checksum?.algorithm, named)
  if (checksum?.type === 'COMPOSITE' && declared === undefined)
    throw otherAlgorithm(checksum.algorithm, undefined)
}

/** PUT /bucket/key?partNumber&uploadId with `x-amz-copy-source` */
export const uploadPartCopy: S3Operation = {
  name: 'UploadPartCopy',
  action: 's3:PutObject',
  async run(call) {
    const partNumber = readPartNumber(call.query.get('partNumber') ?? '')
    const source = readCopySource(call.request.headers)
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    const encrypted = requireEncryptionOf(upload, call.request)
    const putCopy = (...of: Parameters<typeof readAsContent>): Promise<PartInfo> => {
      const content = encryptFor(readAsContent(...of), call, encrypted, partNumber)
      return call.objects.putPart(upload, partNumber, content)
    }
    return withSource(await openSource(call, source), async (object) => {
      const range = readSourceRange(call, object.info.size)
      const bytes = range ? range.end - range.start + 1 : object.info.size
      if (bytes > maxPutBytes) throw new AwsError('EntityTooLarge', 'a part has at most 5 GiB')
      const keptAlgorithm = upload.checksum?.algorithm ?? defaultAlgorithm
      return async (signal) => {
        const part =
          encrypted.encryption?.kind === 'SSE-C'
            ? await putCopy(object, { range, algorithm: keptAlgorithm, signal })
            : await call.objects.copyPart(
                upload,
                partNumber,
                toStoredContent(object, range, keptAlgorithm),
                { signal },
              )
        const headers = {
          ...describeEncryption(encrypted.encryption, encrypted.customerKey),
          ...describeSource(object),
        }
        return xmlReply('CopyPartResult', describeCopy(part), headers)
      }
    })
  },
}

function readSourceRange({ request }: S3Call, size: number): ByteRange | undefined {
  const text = request.headers.get('x-amz-copy-source-range')
  if (text === undefined) return undefined
  const [, first = '', last = ''] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? []
  const range = { start: Number(first), end: Number(last) }
  if (first !== '' && range.start <= range.end && range.end < size) return range
  throw invalidArgument(
    { name: 'x-amz-copy-source-range', value: text },
    `x-amz-copy-source-range must be bytes=first-last within ${size} bytes`,
    first === '' || range.start > range.end
      ? 'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy'
      : `Range specified is not valid for source object of size: ${size}`,
  )
}
