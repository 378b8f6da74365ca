/**
 * Encrypted content, in segments that are read and verified one by one, so that a range costs only the segments that it touches.
 *
 * A stream is a header (magic, number of the part, salt) and segments of 64 KiB, each encrypted with AES-256-GCM under the stream's own key,
 * followed by its tag. The key is derived with HKDF-SHA256 from the customer's key and the salt; it is bound to the object's id, bucket, name and
 * part number, so that no stream can take the place of another's. The nonce holds the segment's number and whether it is the last, so that no segment can be
 * moved or left out, and the end not be cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
 *
 * An object that was uploaded in parts is the streams of its parts in a row.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { AwsError } from '../../../protocol/aws-error.ts'

/** Plaintext bytes in a segment. */
export const segmentBytes = 64 * 1024
const tagBytes = 16
const storedSegmentBytes = segmentBytes + tagBytes
const magic = Buffer.from('STSSEC01')
const saltBytes = 20
/** Magic, part number, salt. */
const headerBytes = magic.length + 4 + saltBytes
const cipherName = 'aes-256-gcm'

/** What the key of a stream is bound to. */
export interface StreamContext {
  /** The 32 bytes that the customer sends. */
  readonly customerKey: Uint8Array
  /** The object's random id. */
  readonly id: string
  readonly bucket: string
  readonly key: string
}

/** Returns how many bytes a stream takes up. */
export function toStoredBytes(plainBytes: number): number {
  const segments = Math.max(1, Math.ceil(plainBytes / segmentBytes))
  return headerBytes + plainBytes + segments * tagBytes
}

/** Returns how many bytes a stream of this size holds; 0 for a size that no stream has. */
export function toPlainBytes(storedBytes: number): number {
  const rest = storedBytes - headerBytes
  return Math.max(0, rest - Math.ceil(rest / storedSegmentBytes) * tagBytes)
}

/** Encrypts content. @param partNumber 0 for content that is not a part. */
export async function* encryptStream(
  chunks: AsyncIterable<Uint8Array>,
  context: StreamContext,
  partNumber: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const salt = randomBytes(saltBytes)
  const number = Buffer.alloc(4)
  number.writeUInt32BE(partNumber)
  yield Buffer.concat([magic, number, salt])
  const key = deriveKey(context, { partNumber, salt })
  const segment = Buffer.allocUnsafe(segmentBytes)
  let filled = 0
  let index = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      // A full segment is written when more follows: only then it is known not to be the last.
      if (filled === segmentBytes) {
        yield* seal(key, segment, { index, isLast: false })
        index += 1
        filled = 0
      }
      const piece = chunk.subarray(at, at + segmentBytes - filled)
      segment.set(piece, filled)
      filled += piece.length
      at += piece.length
    }
  }
  yield* seal(key, segment.subarray(0, filled), { index, isLast: true })
}

interface SegmentPlace {
  readonly index: number
  readonly isLast: boolean
}

function seal(key: Uint8Array, plain: Uint8Array, place: SegmentPlace): Uint8Array[] {
  const cipher = createCipheriv(cipherName, key, toNonce(place), { authTagLength: tagBytes })
  const sealed = cipher.update(plain)
  cipher.final()
  return [sealed, cipher.getAuthTag()]
}

/** Each stream has a key of its own, so that the number of the segment never repeats under it. */
function toNonce({ index, isLast }: SegmentPlace): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt8(isLast ? 1 : 0, 0)
  nonce.writeUInt32BE(index, 8)
  return nonce
}

function deriveKey(
  { customerKey, id, bucket, key }: StreamContext,
  { partNumber, salt }: { readonly partNumber: number; readonly salt: Uint8Array },
): Uint8Array {
  const info = `sts-cli SSE-C segments ${JSON.stringify([id, bucket, key, partNumber])}`
  return new Uint8Array(hkdfSync('sha256', customerKey, salt, info, 32))
}

/** Reads bytes at a position. @returns Their number; 0 at the end. */
type ReadInto = (buffer: Uint8Array, position: number) => Promise<number>

/** A stream within the stored bytes. */
interface Stream {
  readonly plainStart: number
  readonly plainBytes: number
  readonly storedStart: number
}

interface OpenStream {
  readonly key: Uint8Array
  readonly partNumber: number
}

/**
 * Returns a reader of the plaintext of streams that are stored in a row.
 *
 * @param plainSizes The size of each stream's plaintext.
 * @throws {AwsError} The reader: `InternalError` if the stored bytes are not what was written.
 */
export function openSegments(
  readStored: ReadInto,
  plainSizes: readonly number[],
  context: StreamContext,
): ReadInto {
  const streams = layOut(plainSizes)
  const opened = new Map<number, OpenStream>()
  /** The last segment: a read that does not begin at a segment continues in it. */
  let last: { readonly name: string; readonly plain: Buffer } | undefined

  async function open(index: number): Promise<OpenStream> {
    const known = opened.get(index)
    if (known) return known
    const header = await readExactly(readStored, streams[index]?.storedStart ?? 0, headerBytes)
    if (!header.subarray(0, magic.length).equals(magic)) throw damaged()
    const partNumber = header.readUInt32BE(magic.length)
    const salt = header.subarray(magic.length + 4)
    const stream = { key: deriveKey(context, { partNumber, salt }), partNumber }
    // A reader of one part after the other needs two of them.
    if (opened.size > 8) opened.clear()
    opened.set(index, stream)
    return stream
  }

  async function readSegment(index: number, segment: number): Promise<Buffer> {
    const name = `${index} ${segment}`
    if (last?.name === name) return last.plain
    const stream = await open(index)
    // Parts in another order than they were joined in.
    if (index > 0 && (await open(index - 1)).partNumber >= stream.partNumber) throw damaged()
    const { storedStart, plainBytes } = streams[index] ?? { storedStart: 0, plainBytes: 0 }
    const bytes = Math.min(segmentBytes, plainBytes - segment * segmentBytes)
    const at = storedStart + headerBytes + segment * storedSegmentBytes
    const stored = await readExactly(readStored, at, bytes + tagBytes)
    const isLast = (segment + 1) * segmentBytes >= plainBytes
    const plain = unseal(stream.key, stored, { index: segment, isLast })
    last = { name, plain }
    return plain
  }

  return async (buffer, position) => {
    let filled = 0
    while (filled < buffer.length) {
      const at = position + filled
      const index = findStream(streams, at)
      const stream = streams[index]
      if (stream === undefined) break
      const segment = Math.floor((at - stream.plainStart) / segmentBytes)
      const plain = await readSegment(index, segment)
      const offset = at - stream.plainStart - segment * segmentBytes
      filled += plain.copy(buffer, filled, offset)
    }
    return filled
  }
}

function layOut(plainSizes: readonly number[]): Stream[] {
  const streams: Stream[] = []
  let plainStart = 0
  let storedStart = 0
  for (const plainBytes of plainSizes) {
    streams.push({ plainStart, plainBytes, storedStart })
    plainStart += plainBytes
    storedStart += toStoredBytes(plainBytes)
  }
  return streams
}

/** Returns the index of the stream that holds the byte, or one beyond all. Streams without bytes hold none. */
function findStream(streams: readonly Stream[], at: number): number {
  let low = 0
  let high = streams.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { plainStart = 0, plainBytes = 0 } = streams[middle] ?? {}
    if (plainStart + plainBytes > at) high = middle
    else low = middle + 1
  }
  return low
}

function unseal(key: Uint8Array, stored: Buffer, place: SegmentPlace): Buffer {
  const end = stored.length - tagBytes
  const options = { authTagLength: tagBytes }
  const decipher = createDecipheriv(cipherName, key, toNonce(place), options)
  decipher.setAuthTag(stored.subarray(end))
  const plain = decipher.update(stored.subarray(0, end))
  try {
    decipher.final()
  } catch (error) {
    throw damaged(error)
  }
  return plain
}

async function readExactly(read: ReadInto, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const bytes = await read(buffer.subarray(filled), position + filled)
    if (bytes === 0) throw damaged()
    filled += bytes
  }
  return buffer
}

function damaged(cause?: unknown): AwsError {
  const message =
    'the encrypted object is damaged: its stored bytes are not those that were written'
  return new AwsError('InternalError', message, { cause })
}
