/** Writes a body as unsigned `aws-chunked` with a checksum behind it, for one that is known only when all bytes have gone by. */
import { startChecksum, type ChecksumAlgorithm } from '../body/checksum.ts'

/** AWS wants at least 8 KiB in every chunk but the last. */
const chunkBytes = 64 * 1024

/** Length of the body on the wire. */
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

/** @param readTrailer Called when `chunks` has ended; gives `name:value`. */
export async function* encodeAwsChunked(
  chunks: AsyncIterable<Uint8Array>,
  readTrailer: () => string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const piece of chunks) {
    let rest = piece
    while (heldBytes + rest.length >= chunkBytes) {
      const taken = chunkBytes - heldBytes
      yield frame([...held, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      held = []
      heldBytes = 0
    }
    if (rest.length === 0) continue
    held.push(rest)
    heldBytes += rest.length
  }
  if (heldBytes > 0) yield frame(held)
  yield Buffer.from(`0\r\n${readTrailer()}\r\n\r\n`)
}

function measureFrame(size: number): number {
  return `${size.toString(16)}\r\n\r\n`.length + size
}

function frame(pieces: readonly Uint8Array[]): Buffer {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), ...pieces, Buffer.from('\r\n')])
}
