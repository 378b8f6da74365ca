/** Prepares a client's body for the upstream: decoded and verified. The upstream gets the last chunk only after all checks passed. */
import { Readable } from 'node:stream'
import { hash, sha256Hex } from '../../../protocol/digest.ts'
import { checksumHeader } from '../body/checksum.ts'
import { readPayload, type Payload } from '../body/payload.ts'
import type { S3Request } from '../request/s3-operation.ts'
import { encodeAwsChunked, measureAwsChunked } from './encode-aws-chunked.ts'

export interface UploadBody {
  readonly headers: Readonly<Record<string, string>>
  readonly payloadHash: string
  readonly body: Uint8Array | Readable
}

/** Returns the call without the digests of the client's body, for a body that is rebuilt. */
export function withoutDigests<Call extends S3Request>(call: Call): Call {
  const isDigest = /^(content-md5|x-amz-sdk-checksum-algorithm|x-amz-checksum-.*)$/
  const kept = [...call.request.headers].filter(([name]) => !isDigest.test(name))
  return { ...call, request: { ...call.request, headers: new Map(kept) } }
}

/** Makes an XML body, with the digests that S3 requires for some operations. */
export function toDocument(text: string): UploadBody {
  const body = Buffer.from(text)
  return {
    headers: {
      'content-length': String(body.length),
      'content-type': 'application/xml',
      'content-md5': hash('md5', body).toString('base64'),
    },
    payloadHash: sha256Hex(body),
    body,
  }
}

/** Bodies up to this size are read into memory first: they can be sent again, and cost less than a stream. */
export const maxBufferedBytes = 256 * 1024

/**
 * Prepares a payload. The client's checksum in a trailer is forwarded as a header if the body is in memory, and as a trailer if it is
 * streamed, so that it is not lost.
 *
 * @throws {AwsError} as the payload's iteration: here, or by the stream.
 */
export async function prepareUpload(payload: Payload): Promise<UploadBody> {
  const { lengthBytes, sha256, checksum } = payload.declarations
  if (lengthBytes <= maxBufferedBytes) return prepareDocument(payload)
  if (checksum !== undefined && checksum.value === undefined) {
    const header = checksumHeader(checksum.algorithm)
    const wireBytes = measureAwsChunked(lengthBytes, { header, algorithm: checksum.algorithm })
    const readTrailer = (): string => `${header}:${payload.describe().checksum?.value ?? ''}`
    return {
      headers: {
        'content-length': String(wireBytes),
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(lengthBytes),
        'x-amz-trailer': header,
      },
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      body: toStream(encodeAwsChunked(payload.chunks, readTrailer)),
    }
  }
  return {
    headers: { 'content-length': String(lengthBytes) },
    payloadHash: sha256 ?? 'UNSIGNED-PAYLOAD',
    body: toStream(withholdLastChunk(payload.chunks)),
  }
}

/** Prepares a body by reading it into memory, whatever its size. @throws {AwsError} as the payload's iteration. */
export async function prepareDocument(payload: Payload): Promise<UploadBody> {
  const body = await readPayload(payload)
  const { sha256, checksum } = payload.declarations
  const value = payload.describe().checksum?.value
  const isTrailed = checksum !== undefined && checksum.value === undefined && value !== undefined
  return {
    headers: {
      'content-length': String(body.length),
      ...(isTrailed ? { [checksumHeader(checksum.algorithm)]: value } : {}),
    },
    payloadHash: sha256 ?? sha256Hex(body),
    body,
  }
}

/** Withholds the last chunk until the payload's checks, which come after it, have passed. Without it, the upstream stores nothing. */
async function* withholdLastChunk(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffered: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (buffered !== undefined) yield buffered
    buffered = chunk
  }
  if (buffered !== undefined) yield buffered
}

function toStream(chunks: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(chunks, { objectMode: false, highWaterMark: 256 * 1024 })
}
