/**
 * Reads a request's body: decodes `aws-chunked`, counts and hashes the bytes once, and compares them with everything the client declared.
 * Nothing is read before the first chunk is requested, so a request that is refused earlier gets no `100 Continue`. Nothing counts as
 * stored until the iteration ends without an error.
 */
import { createHash } from 'node:crypto'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpRequest } from '../../http/http-message.ts'
import { decodeAwsChunked, type ChunkSeed } from './aws-chunked.ts'
import { incompleteBody } from './body-errors.ts'
import { wrongChecksum } from './checksum-errors.ts'
import {
  algorithmOfHeader,
  checksumHeader,
  loadChecksum,
  startChecksum,
  type ChecksumAlgorithm,
} from './checksum.ts'
import { readDeclarations, type Declarations } from './declarations.ts'
import type { Checksum, ContentFacts, ObjectContent } from './object-content.ts'

/** Minimum and maximum size of a body, inclusive. */
export interface SizeBounds {
  readonly minBytes: number
  readonly maxBytes: number
}

export interface PayloadOptions {
  /** The payload hash of the signature: a hash, `UNSIGNED-PAYLOAD` or one of the `STREAMING-` forms. */
  readonly payloadHash: string
  /** What chunk signatures start from. */
  readonly seed: ChunkSeed | undefined
  readonly maxBytes: number
  /** Replaces the declared length, for a body without one. */
  readonly sizes?: SizeBounds | undefined
  /** Checksum to compute if the client declares none. */
  readonly algorithm?: ChecksumAlgorithm | undefined
  /** Checksum to keep with the content, whatever the client declares; that is verified all the same. */
  readonly keptAlgorithm?: ChecksumAlgorithm | undefined
  /** False skips the MD5 if nothing is stored here and none was declared. The ETag is empty then. */
  readonly isEtagNeeded?: boolean
}

export interface Payload extends ObjectContent {
  readonly declarations: Declarations
  /** Returns the checksum that the client declared; undefined for none, and before the end. */
  findVerified(): Checksum | undefined
}

/**
 * Opens a request's body without reading it yet.
 *
 * @throws {AwsError} For wrong declarations: `MissingContentLength`, `EntityTooLarge`, `InvalidDigest`,
 *   `InvalidRequest`. The iteration throws `IncompleteBody`, for a length outside `sizes` `EntityTooLarge` and `EntityTooSmall`,
 *   `XAmzContentSHA256Mismatch`, `BadDigest`, `MalformedTrailerError` or `SignatureDoesNotMatch`.
 */
export function openPayload(request: HttpRequest, options: PayloadOptions): Payload {
  const declarations = readDeclarations(request.headers, options.payloadHash)
  if (declarations.lengthBytes > options.maxBytes) {
    const message = `the body of ${declarations.lengthBytes} bytes exceeds the ${options.maxBytes} allowed`
    throw new AwsError('EntityTooLarge', message)
  }
  const declared = declarations.checksum?.algorithm
  const kept = options.keptAlgorithm ?? declared ?? options.algorithm
  const length = options.sizes === undefined ? expectExactly(declarations) : expectWithin(options)
  let facts: ContentFacts | undefined
  let verified: Checksum | undefined

  async function* verify(): AsyncGenerator<Uint8Array, void, undefined> {
    const isMd5Needed = options.isEtagNeeded !== false || declarations.md5Hex !== undefined
    const md5 = isMd5Needed ? createHash('md5') : undefined
    const sha256 = declarations.sha256 === undefined ? undefined : createHash('sha256')
    await loadChecksum(kept)
    await loadChecksum(declared)
    const checksum = kept === undefined ? undefined : startChecksum(kept)
    const other = declared === undefined || declared === kept ? undefined : startChecksum(declared)
    const trailers = new Map<string, string>()
    let seenBytes = 0
    for await (const chunk of decodeBody(request, options, declarations, trailers)) {
      seenBytes += chunk.length
      length.checkSoFar(seenBytes)
      md5?.update(chunk)
      sha256?.update(chunk)
      checksum?.update(chunk)
      other?.update(chunk)
      yield chunk
    }
    length.checkWhole(seenBytes)
    const etag = md5?.digest('hex') ?? ''
    const value = checksum?.digest().toString('base64')
    const seen = other === undefined ? value : other.digest().toString('base64')
    compare(declarations, { etag, sha256: sha256?.digest('hex'), checksum: seen, trailers })
    if (declared !== undefined && seen !== undefined) verified = toChecksum(declared, seen)
    facts = { etag, checksum: kept && value !== undefined ? toChecksum(kept, value) : undefined }
  }

  return {
    declarations,
    chunks: verify(),
    describe: () => {
      if (!facts) throw new Error('the body was described before its end')
      return facts
    },
    findVerified: () => verified,
  }
}

function toChecksum(algorithm: ChecksumAlgorithm, value: string): Checksum {
  return { algorithm, value, type: 'FULL_OBJECT' }
}

/**
 * Reads a small body into memory.
 *
 * @throws {AwsError} as the payload's own iteration.
 */
export async function readPayload(payload: Payload): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of payload.chunks) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function decodeBody(
  request: HttpRequest,
  { payloadHash, seed }: PayloadOptions,
  declarations: Declarations,
  trailers: Map<string, string>,
): AsyncIterable<Buffer> {
  const body = readBody(request)
  if (!declarations.isChunked) return body
  return decodeAwsChunked(body, {
    seed: payloadHash.startsWith('STREAMING-AWS4-') ? seed : undefined,
    trailerName: declarations.trailerName,
    maxBytes: declarations.lengthBytes,
    trailers,
  })
}

/** Yields the raw body. It stays open if reading stops early, because the answer is still to be sent on its connection. */
async function* readBody(request: HttpRequest): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of request.body.iterator({ destroyOnReturn: false })) {
      yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
    }
  } catch (error) {
    if (error instanceof AwsError) throw error
    throw incompleteBody(error)
  }
}

interface ExpectedLength {
  checkSoFar(seenBytes: number): void
  checkWhole(seenBytes: number): void
}

function expectExactly(declarations: Declarations): ExpectedLength {
  const { lengthBytes } = declarations
  return {
    checkSoFar(seenBytes) {
      if (seenBytes > lengthBytes) throw wrongLength(seenBytes, declarations)
    },
    checkWhole(seenBytes) {
      if (seenBytes !== lengthBytes) throw wrongLength(seenBytes, declarations)
    },
  }
}

function expectWithin({ sizes, maxBytes }: PayloadOptions): ExpectedLength {
  const minBytes = sizes?.minBytes ?? 0
  const mostBytes = Math.min(sizes?.maxBytes ?? maxBytes, maxBytes)
  return {
    checkSoFar(seenBytes) {
      if (seenBytes <= mostBytes) return
      const details = { MaxSizeAllowed: String(mostBytes) }
      const message = `the body exceeds the ${mostBytes} bytes allowed`
      throw new AwsError('EntityTooLarge', message, { details })
    },
    checkWhole(seenBytes) {
      if (seenBytes >= minBytes) return
      const details = { ProposedSize: String(seenBytes), MinSizeAllowed: String(minBytes) }
      const message = `the body has ${seenBytes} bytes; at least ${minBytes} are asked for`
      throw new AwsError('EntityTooSmall', message, { details })
    },
  }
}

function wrongLength(seenBytes: number, { lengthBytes }: Declarations): AwsError {
  const seen = seenBytes > lengthBytes ? 'more' : `only ${seenBytes}`
  const message = `the request declared ${lengthBytes} bytes and sent ${seen}`
  return new AwsError('IncompleteBody', message)
}

function compare(
  declared: Declarations,
  seen: {
    etag: string
    sha256: string | undefined
    checksum: string | undefined
    trailers: ReadonlyMap<string, string>
  },
): void {
  if (declared.sha256 !== undefined && declared.sha256 !== seen.sha256) {
    throw new AwsError(
      'XAmzContentSHA256Mismatch',
      'the x-amz-content-sha256 you signed does not match what was received',
      {
        details: {
          ClientComputedContentSHA256: declared.sha256,
          S3ComputedContentSHA256: seen.sha256 ?? '',
        },
      },
    )
  }
  if (declared.md5Hex !== undefined && declared.md5Hex !== seen.etag) {
    throw new AwsError('BadDigest', 'the content-md5 you sent does not match what was received')
  }
  if (!declared.checksum) return
  const { algorithm } = declared.checksum
  const header = checksumHeader(algorithm)
  const value = declared.checksum.value ?? seen.trailers.get(header)
  if (value === undefined && algorithmOfHeader(declared.trailerName ?? '') === algorithm) {
    throw new AwsError(
      'MalformedTrailerError',
      `the trailer ${header} was announced and not sent`,
      {
        status: 400,
      },
    )
  }
  if (value !== seen.checksum) throw wrongChecksum(algorithm)
}
