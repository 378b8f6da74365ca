/** POST /bucket/key?uploadId: joins the parts to an object. */
import { checksumElements } from '../request/result-elements.ts'
import { createHash } from 'node:crypto'
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import {
  checksumAlgorithms,
  checksumHeader,
  composeChecksum,
  defaultAlgorithm,
  loadChecksum,
} from '../body/checksum.ts'
import { locateObject } from '../request/address.ts'
import { readPayload } from '../body/payload.ts'
import {
  checkDeclaredChecksum,
  checkDeclaredSize,
  isSameChecksum,
  readDeclaredChecksum,
  readListedChecksum,
  requirePartChecksums,
  type ListedPart,
} from '../request/completed-checksums.ts'
import { checkBeforeWrite, readWriteCondition } from '../request/conditions.ts'
import { combineCrcs, isCombinable } from '../body/combine-crc.ts'
import type { ContentFacts } from '../body/object-content.ts'
import {
  describeEncryption,
  readCustomerKey,
  requireUploadKey,
} from '../request/encryption-headers.ts'
import { noSuchUpload } from '../request/errors.ts'
import { describeExpiration } from '../request/expiry-headers.ts'
import { chooseLock } from '../request/lock-headers.ts'
import type { CompletedUpload, ObjectInfo, PartInfo, UploadInfo } from '../request/object-store.ts'
import type { HttpReply } from '../../http/http-message.ts'
import {
  openBody,
  toStoreWork,
  type LongWork,
  type S3Call,
  type S3Operation,
  type S3Request,
} from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'
import { maxPartNumber, readUploadId } from '../request/upload-parameters.ts'
import { describeNewVersion } from '../request/versions.ts'
import { completeLimits } from '../request/xml-limits.ts'

/** Minimum size of each part except the last (AWS, "Amazon S3 multipart upload limits"). */
const minPartBytes = 5 * 1024 * 1024

/**
 * A request that is repeated after the upload was completed gets the same answer for as long as the object stands, because a client that gave
 * up waiting asks again (AWS, "CompleteMultipartUpload"). A repeated request that lists other parts is about an upload that does not
 * exist any more: `NoSuchUpload`, as after any other object of the key. `InvalidPart` would tell the client to upload a part again.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export const completeMultipartUpload: S3Operation = {
  name: 'CompleteMultipartUpload',
  action: 's3:PutObject',
  async run(call) {
    const { request, objects, bucket } = call
    const uploadId = readUploadId(call)
    const { completed, upload } = await findEither(call, uploadId)
    const precondition = readWriteCondition(request.headers)
    const body = await readPayload(
      openBody(withoutObjectChecksum(call), { maxBytes: completeLimits.maxBytes }),
    )
    const listed = readListedParts(body.toString())
    if (completed?.isOf(listed)) {
      // The process may have died between the two steps.
      await objects.removeUpload({ bucket, uploadId })
      return await describeResult(call, completed.info)
    }
    if (upload === undefined) throw noSuchUpload()
    try {
      return await prepare(call, upload, { listed, precondition })
    } catch (error) {
      // The parts may be gone because another request has completed the upload since, or aborted it.
      const made = await findEither(call, uploadId)
      if (made.completed?.isOf(listed)) return await describeResult(call, made.completed.info)
      throw error
    }
  },
}

/** Makes the checks, and returns the joining of the parts as work. */
async function prepare(
  call: S3Call,
  upload: UploadInfo,
  {
    listed,
    precondition,
  }: {
    readonly listed: readonly ListedPart[]
    readonly precondition: ReturnType<typeof readWriteCondition>
  },
): Promise<LongWork> {
  const { request, objects } = call
  const given = readCustomerKey(request)
  // The key may be left out: nothing is decrypted.
  if (given !== undefined) requireUploadKey(upload.metadata.encryption, given)
  const parts = selectParts(listed, await objects.listParts(upload))
  requirePartChecksums(listed, upload)
  checkDeclaredSize(request.headers, parts)
  await loadChecksum(upload.checksum?.algorithm)
  const facts = describeJoined(parts, upload.checksum)
  checkDeclaredChecksum(readDeclaredChecksum(request.headers, upload), facts)
  // Once more when the object is written: this one decides with a status of its own.
  await checkBeforeWrite(call, precondition)
  const lock = await chooseLock(call, upload.lock)
  const bytes = parts.reduce((sum, part) => sum + part.size, 0)
  return toStoreWork(parts.length === 1 ? 0 : bytes, async (signal) => {
    const options = { facts, lock, precondition, signal }
    return describeResult(call, await objects.completeUpload(upload, parts, options))
  })
}

/**
 * Returns the upload, or the object that was made from it. The object is looked for again when there is no upload: another request may have
 * completed it between the two looks.
 *
 * @throws {AwsError} `NoSuchUpload`.
 */
async function findEither(
  { objects, bucket, key }: S3Call,
  uploadId: string,
): Promise<{ readonly completed?: CompletedUpload; readonly upload?: UploadInfo }> {
  const completed = await objects.findCompleted(bucket, key, uploadId)
  if (completed) return { completed }
  try {
    return { upload: await objects.findUpload(bucket, key, uploadId) }
  } catch (error) {
    const since = await objects.findCompleted(bucket, key, uploadId)
    if (since) return { completed: since }
    throw error
  }
}

async function describeResult(call: S3Call, info: ObjectInfo): Promise<HttpReply> {
  return xmlReply(
    'CompleteMultipartUploadResult',
    elements({
      Location: locateObject(call),
      Bucket: call.bucket,
      Key: call.key,
      ETag: `"${info.etag}"`,
      ...checksumElements(info),
    }),
    {
      ...describeNewVersion(info),
      ...describeEncryption(info.metadata.encryption, readCustomerKey(call.request)),
      ...describeExpiration(call, info),
    },
  )
}

/** Returns the call without its checksum headers, which are about the resulting object, not about this request's body. */
export function withoutObjectChecksum<T extends S3Request>(call: T): T {
  const headers = new Map(call.request.headers)
  for (const algorithm of checksumAlgorithms) headers.delete(checksumHeader(algorithm))
  return { ...call, request: { ...call.request, headers } }
}

function readListedParts(text: string): ListedPart[] {
  const root = parseXml(text, completeLimits)
  const nodes = childrenOf(root, 'Part')
  const isSound = root.name === 'CompleteMultipartUpload' && nodes.length > 0
  if (!isSound || nodes.length > maxPartNumber) {
    const message = `the body must be a CompleteMultipartUpload with 1 to ${maxPartNumber} Parts`
    throw new AwsError('MalformedXML', message)
  }
  return nodes.map(readListedPart)
}

function readListedPart(node: XmlNode): ListedPart {
  const number = childText(node, 'PartNumber')?.trim() ?? ''
  const etag = childText(node, 'ETag')?.trim()
  if (!/^\d{1,5}$/.test(number) || etag === undefined) {
    throw new AwsError('MalformedXML', 'a Part needs a PartNumber and an ETag')
  }
  const listed = { partNumber: Number(number), etag: etag.replaceAll('"', '') }
  return { ...listed, checksum: readListedChecksum(node) }
}

function selectParts(listed: readonly ListedPart[], stored: readonly PartInfo[]): PartInfo[] {
  const byNumber = new Map(stored.map((part) => [part.partNumber, part]))
  const parts = listed.map((wanted, index) => {
    const before = listed[index - 1]?.partNumber ?? 0
    if (wanted.partNumber <= before) {
      throw new AwsError(
        'InvalidPartOrder',
        'the parts must be listed by ascending number, each once',
      )
    }
    const part = byNumber.get(wanted.partNumber)
    if (part?.etag === wanted.etag && isSameChecksum(wanted, part)) return part
    throw new AwsError(
      'InvalidPart',
      `part ${wanted.partNumber} was not uploaded, or as something else`,
      {
        details: { PartNumber: String(wanted.partNumber), ETag: wanted.etag },
      },
    )
  })
  for (const part of parts.slice(0, -1)) {
    if (part.size >= minPartBytes) continue
    const message = `part ${part.partNumber} has ${part.size} bytes; all but the last need ${minPartBytes}`
    throw new AwsError('EntityTooSmall', message, {
      details: {
        ProposedSize: String(part.size),
        MinSizeAllowed: String(minPartBytes),
        PartNumber: String(part.partNumber),
      },
    })
  }
  return parts
}

/** Returns what is known about the joined object: all of it follows from the parts. */
function describeJoined(parts: readonly PartInfo[], named: UploadInfo['checksum']): ContentFacts {
  const checksum = named ?? ({ algorithm: defaultAlgorithm, type: 'FULL_OBJECT' } as const)
  const md5 = createHash('md5')
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'))
  const value = joinChecksums(parts, checksum)
  const isComposite = value !== undefined && checksum.type === 'COMPOSITE'
  return {
    etag: `${md5.digest('hex')}-${parts.length}`,
    checksum: value === undefined ? undefined : { ...checksum, value },
    partSizes: parts.map((part) => part.size),
    partChecksums: isComposite ? parts.map((part) => part.checksum?.value ?? '') : undefined,
  }
}

/** Returns the checksum of the parts' checksums, or for a full object the combination of the parts' CRCs. */
function joinChecksums(
  parts: readonly PartInfo[],
  { algorithm, type }: NonNullable<UploadInfo['checksum']>,
): string | undefined {
  const texts = parts.flatMap(({ checksum, size }) =>
    checksum?.algorithm === algorithm ? { value: checksum.value, size } : [],
  )
  if (texts.length !== parts.length) return undefined
  if (type === 'COMPOSITE')
    return composeChecksum(
      algorithm,
      texts.map(({ value }) => value),
    )
  return isCombinable(algorithm) ? combineCrcs(algorithm, texts) : undefined
}
