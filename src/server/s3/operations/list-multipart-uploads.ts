/** GET /bucket?uploads: lists the unfinished multipart uploads. */
import { type CommonParameters, encodeDelimiter, readCommon } from '../request/list-page.ts'
import type { UploadInfo } from '../request/object-store.ts'
import { describeOwner } from '../request/owner.ts'
import type { S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, type XmlElements, xmlReply } from '../request/s3-xml.ts'

/** An entry of a page: an upload, or a common prefix of several. */
type Entry = { readonly upload: UploadInfo } | { readonly prefix: string }

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads: S3Operation = {
  name: 'ListMultipartUploads',
  action: 's3:ListBucketMultipartUploads',
  async run(call) {
    const { query, bucket, principal } = call
    const common = readCommon(query, 'max-uploads')
    const keyMarker = query.get('key-marker') ?? ''
    // Without a key marker it is ignored (same page).
    const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '')
    const uploads = skipTo(await call.objects.listUploads(bucket), keyMarker, idMarker)
    const entries = rollUp(uploads, common, keyMarker)
    const page = entries.slice(0, common.limit)
    const isTruncated = entries.length > page.length
    const owner = describeOwner(principal)
    return xmlReply(
      'ListMultipartUploadsResult',
      join([
        elements({
          Bucket: bucket,
          KeyMarker: common.encode(keyMarker),
          UploadIdMarker: idMarker,
          ...(isTruncated ? describeMarker(page.at(-1), common) : {}),
          Prefix: common.prefix === '' ? undefined : common.encode(common.prefix),
          Delimiter: encodeDelimiter(common),
          MaxUploads: common.limit,
          IsTruncated: isTruncated,
          EncodingType: common.encodingType,
        }),
        ...page.map((entry) => describeEntry(entry, common, owner)),
      ]),
    )
  },
}

function skipTo(all: readonly UploadInfo[], key: string, id: string): readonly UploadInfo[] {
  const marked = all.findIndex((upload) => upload.key === key && upload.uploadId === id)
  return marked === -1 ? all.filter((upload) => upload.key > key) : all.slice(marked + 1)
}

function rollUp(
  uploads: readonly UploadInfo[],
  { prefix, delimiter }: CommonParameters,
  keyMarker: string,
): Entry[] {
  const entries: Entry[] = []
  const seen = new Set<string>()
  for (const upload of uploads) {
    if (!upload.key.startsWith(prefix)) continue
    const at = delimiter === '' ? -1 : upload.key.indexOf(delimiter, prefix.length)
    if (at === -1) entries.push({ upload })
    else {
      const common = upload.key.slice(0, at + delimiter.length)
      // The last page ended with this prefix.
      if (!seen.has(common) && common !== keyMarker) entries.push({ prefix: common })
      seen.add(common)
    }
  }
  return entries
}

function describeMarker(
  last: Entry | undefined,
  { encode }: CommonParameters,
): Record<string, string> {
  if (last === undefined) return {}
  if ('prefix' in last) return { NextKeyMarker: encode(last.prefix), NextUploadIdMarker: '' }
  return { NextKeyMarker: encode(last.upload.key), NextUploadIdMarker: last.upload.uploadId }
}

function describeEntry(
  entry: Entry,
  { encode }: CommonParameters,
  owner: XmlElements,
): XmlElements {
  if ('prefix' in entry)
    return elements({ CommonPrefixes: elements({ Prefix: encode(entry.prefix) }) })
  const { key, uploadId, initiatedAtMs, checksum } = entry.upload
  return elements({
    Upload: elements({
      Key: encode(key),
      UploadId: uploadId,
      Initiator: owner,
      Owner: owner,
      StorageClass: 'STANDARD',
      Initiated: xmlDate(initiatedAtMs),
      ChecksumAlgorithm: checksum?.algorithm,
      ChecksumType: checksum?.type,
    }),
  })
}
