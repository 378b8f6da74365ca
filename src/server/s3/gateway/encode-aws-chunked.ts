/** Encodes a body as unsigned `aws-chunked` with its checksum in a trailer, because the checksum is known only at the end. */
import { startChecksum, type ChecksumAlgorithm } from '../body/checksum.ts'

/** AWS requires at least 8 KiB in each chunk except the last. */
const chunkBytes = 64 * 1024

/** Returns the length of the encoded body in bytes. */
export function measureAwsChunked(
  lengthBytes: number,
  { header, algorithm }: { readonly header: string; readonly algorithm: ChecksumAlgorithm },
): number {
  const rest = lengthBytes % chunkBytes
  const digestChars = startChecksum(algorithm).digest().toString('base64').length
  return (
    Math.floor(lengthBytes / chunkBytes) * measureFrame(chunkBytes) +
    (rest === 0 ? 0 : measureFrame(rest)) +
    `0\r\n${header}:\r\n\r\n`.length +
    digestChars
  )
}

/** @param readTrailer Returns `name:value`; called when `chunks` has ended. */
export async function* encodeAwsChunked(
  chunks: AsyncIterable<Uint8Array>,
  readTrailer: () => string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffered: Uint8Array[] = []
  let bufferedBytes = 0
  for await (const piece of chunks) {
    let rest = piece
    while (bufferedBytes + rest.length >= chunkBytes) {
      const taken = chunkBytes - bufferedBytes
      yield frame([...buffered, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      buffered = []
      bufferedBytes = 0
    }
    if (rest.length === 0) continue
    buffered.push(rest)
    bufferedBytes += rest.length
  }
  if (bufferedBytes > 0) yield frame(buffered)
  yield Buffer.from(`0\r\n${readTrailer()}\r\n\r\n`)
}

function measureFrame(size: number): number {
  return `${size.toString(16)}\r\n\r\n`.length + size
}

function frame(pieces: readonly Uint8Array[]): Buffer {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), ...pieces, Buffer.from('\r\n')])
}
