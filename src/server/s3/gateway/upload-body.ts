/** A client's body on its way to the upstream, decoded and verified. The upstream has it whole only once every check has passed. */
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

/** The call without the digests of the client's body, for a body that is written anew. */
export function withoutDigests<Call extends S3Request>(call: Call): Call {
  const isDigest = /^(content-md5|x-amz-sdk-checksum-algorithm|x-amz-checksum-.*)$/
  const kept = [...call.request.headers].filter(([name]) => !isDigest.test(name))
  return { ...call, request: { ...call.request, headers: new Map(kept) } }
}

/** A body that is written here: XML, with the digests that S3 asks for with some operations. */
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

/** Up to this size a body is read before the upstream is asked: it can be sent again, and costs less than a stream. */
export const maxWholeBytes = 256 * 1024

/**
 * Takes a payload in hand. A checksum that came in a trailer goes on as a header where the body is known by then, and as a
 * trailer where it is not: none that the client sent is lost.
 *
 * @throws {AwsError} as the payload's iteration: here, or by the stream.
 */
export async function prepareUpload(payload: Payload): Promise<UploadBody> {
  const { lengthBytes, sha256, checksum } = payload.declarations
  if (lengthBytes <= maxWholeBytes) return prepareDocument(payload)
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
    body: toStream(holdLast(payload.chunks)),
  }
}

/** A body that is read whole, whatever its size. @throws {AwsError} as the payload's iteration. */
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

/** The payload's checks come after its last piece: until they have passed, the upstream lacks that piece, and stores nothing. */
async function* holdLast(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (held !== undefined) yield held
    held = chunk
  }
  if (held !== undefined) yield held
}

function toStream(chunks: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(chunks, { objectMode: false, highWaterMark: 256 * 1024 })
}
