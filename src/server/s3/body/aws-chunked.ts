/**
 * Decodes `aws-chunked` bodies: signed chunks, signed chunks with a signed trailer, unsigned chunks with a trailer. A signed
 * chunk is buffered until its signature is verified, so that no byte that the client did not sign reaches the store
 * (CVE-2021-21390 had the other order).
 */
import { createHash } from 'node:crypto'
import { equalInConstantTime } from '../../../base/constant-time.ts'
import { sha256Hex } from '../../../protocol/digest.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { signChunk, signTrailer } from '../../../protocol/sigv4/chunk-signature.ts'
import type { VerifiedSignature } from '../../../protocol/sigv4/verify-signature.ts'
import { createByteReader, type ByteReader } from './byte-reader.ts'

export type ChunkSeed = VerifiedSignature

export interface ChunkedOptions {
  /** The request's verified signature when chunks are signed; undefined when they are not. */
  readonly seed: ChunkSeed | undefined
  /** Name of the announced trailer. */
  readonly trailerName: string | undefined
  /** Bytes declared by `x-amz-decoded-content-length`. */
  readonly maxBytes: number
  /** Receives the fields of the trailer. */
  readonly trailers: Map<string, string>
}

const maxHeaderBytes = 1024
/** MinIO's limit. Clients usually send 64 KiB. */
const maxChunkBytes = 16 * 1024 * 1024
const maxTrailerBytes = 16 * 1024
/**
 * After `maxSmallChunks`, the chunks must have `minMeanBytes` on average, because each chunk costs some microseconds, and a signed one more.
 * AWS accepts less than 8 KiB only in the last chunk. Clients that forward a stream send smaller chunks, which MinIO accepts.
 */
const maxSmallChunks = 1024
const minMeanBytes = 128

/**
 * Yields the decoded bytes.
 *
 * @throws {AwsError} `SignatureDoesNotMatch` for a chunk or trailer with a wrong signature; `IncompleteBody` for a body that is
 *   shorter or longer than declared; `InvalidRequest` for one that is not `aws-chunked`.
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Buffer>,
  options: ChunkedOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = createByteReader(body)
  let signature = options.seed?.signature ?? ''
  let decodedBytes = 0
  for (let count = 1; ; count += 1) {
    const header = readChunkHeader(
      await reader.readLine(maxHeaderBytes),
      options.seed !== undefined,
    )
    decodedBytes += header.sizeBytes
    if (decodedBytes > options.maxBytes) {
      throw new AwsError('IncompleteBody', 'the chunks hold more than x-amz-decoded-content-length')
    }
    if (count > maxSmallChunks && decodedBytes < count * minMeanBytes && header.sizeBytes > 0)
      throw malformed(`${count} chunks hold less than ${minMeanBytes} bytes each; send larger ones`)
    if (options.seed) {
      const { chunks, sha256 } = await bufferChunk(reader, header.sizeBytes)
      const expected = signChunk(options.seed, signature, sha256)
      requireEqual(expected, header.signature, 'chunk')
      signature = expected
      yield* chunks
    } else {
      yield* reader.read(header.sizeBytes)
    }
    if (header.sizeBytes === 0) break
    if ((await reader.readLine(2)) !== '') throw malformed('a chunk is longer than it says')
  }
  await readTrailers(reader, signature, options)
}

/** Parses `10000;chunk-signature=…` or, unsigned, `10000`. */
function readChunkHeader(
  line: string,
  isSigned: boolean,
): { sizeBytes: number; signature: string } {
  const pattern = isSigned
    ? /^([0-9a-fA-F]{1,8});chunk-signature=([0-9a-f]{64})$/
    : /^([0-9a-fA-F]{1,8})$/
  const match = pattern.exec(line)
  if (!match) throw malformed('a chunk does not begin with its size and signature')
  const sizeBytes = Number.parseInt(match[1] ?? '', 16)
  if (isSigned && sizeBytes > maxChunkBytes) {
    throw malformed(`a chunk has ${sizeBytes} bytes; at most ${maxChunkBytes} are allowed`)
  }
  return { sizeBytes, signature: match[2] ?? '' }
}

async function bufferChunk(
  reader: ByteReader,
  sizeBytes: number,
): Promise<{ chunks: Buffer[]; sha256: string }> {
  const hash = createHash('sha256')
  const chunks: Buffer[] = []
  for await (const piece of reader.read(sizeBytes)) {
    hash.update(piece)
    chunks.push(piece)
  }
  return { chunks, sha256: hash.digest('hex') }
}

/** Reads `name:value` lines up to an empty line. Some clients omit the last line end. */
async function readTrailers(
  reader: ByteReader,
  signature: string,
  { seed, trailerName, trailers }: ChunkedOptions,
): Promise<void> {
  let signedText = ''
  let trailerSignature: string | undefined
  let leftBytes = maxTrailerBytes
  while (!(await reader.isAtEnd())) {
    const line = await reader.readLine(leftBytes)
    if (line === '') break
    leftBytes -= line.length
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'x-amz-trailer-signature' && seed) {
      trailerSignature = value
      continue
    }
    if (name !== trailerName || trailers.has(name)) {
      throw new AwsError(
        'MalformedTrailerError',
        'the trailer is not the one x-amz-trailer names',
        {
          status: 400,
        },
      )
    }
    trailers.set(name, value)
    signedText += `${name}:${value}\n`
  }
  // The empty line that ends the trailer may be repeated after its signature.
  const isEnded = (await reader.isAtEnd()) || (await reader.readLine(2)) === ''
  if (!isEnded || !(await reader.isAtEnd())) throw malformed('bytes follow the last chunk')
  if (!seed || trailerName === undefined) return
  const sha256 = sha256Hex(signedText)
  requireEqual(signTrailer(seed, signature, sha256), trailerSignature ?? '', 'trailer')
}

function requireEqual(expected: string, given: string, what: string): void {
  if (equalInConstantTime(expected, given)) return
  throw new AwsError('SignatureDoesNotMatch', `the signature of a ${what} does not match its bytes`)
}

function malformed(why: string): AwsError {
  return new AwsError('InvalidRequest', `the aws-chunked body is malformed: ${why}`)
}
