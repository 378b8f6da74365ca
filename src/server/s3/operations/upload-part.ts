/** PUT /bucket/key?partNumber&uploadId: uploads a part, from the body or as a copy. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { readChecksumAlgorithm, requireSameAlgorithm } from '../body/checksum.ts'
import {
  describeSource,
  openSource,
  readCopySource,
  toStoredContent,
  withSource,
} from '../request/copy-source.ts'
import { invalidArgument } from '../request/errors.ts'
import { describeChecksum } from '../request/object-headers.ts'
import type { ByteRange } from '../request/object-store.ts'
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
    const named = readChecksumAlgorithm(call.request.headers)
    const wanted = upload.checksum?.algorithm ?? named
    const payload = openBody(call, { maxBytes: maxPutBytes, algorithm: wanted })
    requireSameAlgorithm(wanted, named)
    requireSameAlgorithm(wanted, payload.declarations.checksum?.algorithm)
    const part = await call.objects.putPart(upload, partNumber, payload)
    const { 'x-amz-checksum-type': _, ...checksum } = describeChecksum(part)
    return { status: 200, headers: { etag: `"${part.etag}"`, ...checksum } }
  },
}

/** PUT /bucket/key?partNumber&uploadId with `x-amz-copy-source` */
export const uploadPartCopy: S3Operation = {
  name: 'UploadPartCopy',
  action: 's3:PutObject',
  async run(call) {
    const partNumber = readPartNumber(call.query.get('partNumber') ?? '')
    const source = readCopySource(call.request.headers)
    const upload = await call.objects.findUpload(call.bucket, call.key, readUploadId(call))
    return withSource(await openSource(call, source), async (object) => {
      const range = readSourceRange(call, object.info.size)
      const bytes = range ? range.end - range.start + 1 : object.info.size
      if (bytes > maxPutBytes) throw new AwsError('EntityTooLarge', 'a part has at most 5 GiB')
      const content = toStoredContent(object, range, upload.checksum?.algorithm)
      return async (signal) => {
        const part = await call.objects.copyPart(upload, partNumber, content, { signal })
        return xmlReply('CopyPartResult', describeCopy(part), describeSource(object))
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
