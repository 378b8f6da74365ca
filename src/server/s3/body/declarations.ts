/** Reads what a request's headers declare about its body, and checks them before the body is read. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { invalidPayloadHash } from '../../../protocol/sigv4/payload-hash.ts'
import { missingLength } from './body-errors.ts'
import {
  announcedChecksumMissing,
  invalidChecksumHeader,
  severalChecksums,
} from './checksum-errors.ts'
import {
  algorithmOfHeader,
  checksumAlgorithms,
  checksumHeader,
  isChecksumText,
  readAlgorithm,
  type ChecksumAlgorithm,
} from './checksum.ts'

export interface Declarations {
  /** Length of the object, after decoding. */
  readonly lengthBytes: number
  /** In hex; set if the signature covers the body's hash. */
  readonly sha256: string | undefined
  readonly md5Hex: string | undefined
  /** `value` is undefined if it is in a trailer. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value?: string } | undefined
  readonly isChunked: boolean
  readonly trailerName: string | undefined
}

/** The forms of `aws-chunked` ("Signature calculations: transferring payload in multiple chunks", Amazon S3). */
const streamingForms: Readonly<Record<string, { readonly hasTrailer: boolean }>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { hasTrailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { hasTrailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { hasTrailer: true },
}

/** Returns whether the headers say how long the object is. A body with `transfer-encoding` only is of unknown length. */
export function hasLength(headers: ReadonlyMap<string, string>): boolean {
  return headers.has('content-length') || headers.has('x-amz-decoded-content-length')
}

/** Requires a digest of the body, as S3 does for documents that change much. @throws {AwsError} `InvalidRequest` with the message. */
export function requireDigest({ md5Hex, checksum }: Declarations, message: string): void {
  if (md5Hex === undefined && checksum === undefined) throw new AwsError('InvalidRequest', message)
}

/** @throws {AwsError} `MissingContentLength`, `InvalidDigest`, `InvalidRequest`, `InvalidArgument`, `NotImplemented`. */
export function readDeclarations(
  headers: ReadonlyMap<string, string>,
  payloadHash: string,
): Declarations {
  const streaming = Object.hasOwn(streamingForms, payloadHash)
    ? streamingForms[payloadHash]
    : undefined
  if (!streaming && payloadHash.startsWith('STREAMING-')) {
    throw new AwsError('NotImplemented', `x-amz-content-sha256: ${payloadHash} is not supported`)
  }
  const trailerName = streaming?.hasTrailer ? readTrailerName(headers) : undefined
  return {
    lengthBytes: readLength(headers, streaming !== undefined),
    sha256: streaming ? undefined : readSha256(payloadHash),
    md5Hex: readMd5(headers.get('content-md5')),
    checksum: readChecksum(headers, trailerName),
    isChunked: streaming !== undefined,
    trailerName,
  }
}

function readLength(headers: ReadonlyMap<string, string>, isStreaming: boolean): number {
  const name = isStreaming ? 'x-amz-decoded-content-length' : 'content-length'
  const text = headers.get(name)
  if (text === undefined) {
    // An empty body needs no length (RFC 9112 §6.3). A chunked body has an unknown length.
    if (!isStreaming && !headers.has('transfer-encoding')) return 0
    throw missingLength(name)
  }
  if (!/^\d{1,15}$/.test(text)) {
    throw new AwsError('InvalidArgument', `${name} must be a number of bytes`)
  }
  return Number(text)
}

function readSha256(payloadHash: string): string | undefined {
  if (payloadHash === 'UNSIGNED-PAYLOAD') return undefined
  if (/^[0-9a-f]{64}$/i.test(payloadHash)) return payloadHash.toLowerCase()
  throw invalidPayloadHash(payloadHash)
}

function readMd5(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 16 && bytes.toString('base64') === text) return bytes.toString('hex')
  throw new AwsError('InvalidDigest', 'content-md5 must be the base64 of 16 bytes')
}

function readTrailerName(headers: ReadonlyMap<string, string>): string | undefined {
  const name = headers.get('x-amz-trailer')?.trim().toLowerCase()
  if (name === undefined || name === '') return undefined
  if (algorithmOfHeader(name)) return name
  throw new AwsError('InvalidRequest', 'x-amz-trailer must name one x-amz-checksum- header')
}

function readChecksum(
  headers: ReadonlyMap<string, string>,
  trailerName: string | undefined,
): Declarations['checksum'] {
  const inHeaders = checksumAlgorithms.filter((algorithm) => headers.has(checksumHeader(algorithm)))
  const inTrailer = algorithmOfHeader(trailerName ?? '')
  if (inHeaders.length + (inTrailer ? 1 : 0) > 1) {
    throw severalChecksums()
  }
  if (inTrailer) return { algorithm: requireAnnounced(headers, inTrailer) }
  const [algorithm] = inHeaders
  if (algorithm === undefined) return requireAnnouncedChecksum(headers)
  const value = headers.get(checksumHeader(algorithm)) ?? ''
  if (!isChecksumText(algorithm, value)) {
    throw invalidChecksumHeader(checksumHeader(algorithm))
  }
  return { algorithm: requireAnnounced(headers, algorithm), value }
}

const announcement = 'x-amz-sdk-checksum-algorithm'

/** Refuses a checksum of another algorithm than the SDK announced. */
function requireAnnounced(
  headers: ReadonlyMap<string, string>,
  algorithm: ChecksumAlgorithm,
): ChecksumAlgorithm {
  const announced = headers.get(announcement)
  if (announced === undefined || readAlgorithm(announced) === algorithm) return algorithm
  throw invalidChecksumHeader(announcement)
}

/** Refuses a request whose SDK announced a checksum but did not send it: it was lost on the way. */
function requireAnnouncedChecksum(headers: ReadonlyMap<string, string>): undefined {
  const announced = headers.get(announcement)
  if (announced === undefined) return undefined
  throw readAlgorithm(announced) ? announcedChecksumMissing() : invalidChecksumHeader(announcement)
}
