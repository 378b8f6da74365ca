/** Reads lines and ranges of bytes from a stream of buffers, without copying the ranges. */
import { AwsError } from '../../../protocol/aws-error.ts'

export interface ByteReader {
  /** Returns the text up to a line end (CRLF or LF), without it. @throws {AwsError} if it is longer than `maxBytes`. */
  readLine(maxBytes: number): Promise<string>
  /** Yields exactly `length` bytes, in the pieces in which they arrived. @throws {AwsError} `IncompleteBody`. */
  read(length: number): AsyncGenerator<Buffer, void, undefined>
  isAtEnd(): Promise<boolean>
}

const lineFeed = 10

/** Creates a reader that reads from `source` only on demand. */
export function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const iterator = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  /** Fills `rest` if it is empty. Returns false at the end. */
  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await iterator.next()
      if (next.done) return false
      rest = next.value
    }
    return true
  }

  return {
    async readLine(maxBytes) {
      let line: Buffer = Buffer.alloc(0)
      for (;;) {
        if (!(await fill())) throw cutShort()
        const end = rest.indexOf(lineFeed)
        line = Buffer.concat([line, rest.subarray(0, end === -1 ? maxBytes + 1 : end)])
        if (line.length > maxBytes) {
          throw new AwsError(
            'InvalidRequest',
            `a line of the body is longer than ${maxBytes} bytes`,
          )
        }
        rest = end === -1 ? Buffer.alloc(0) : rest.subarray(end + 1)
        if (end !== -1) return line.toString('latin1').replace(/\r$/, '')
      }
    },
    async *read(length) {
      let left = length
      while (left > 0) {
        if (!(await fill())) throw cutShort()
        const piece = rest.subarray(0, left)
        rest = rest.subarray(piece.length)
        left -= piece.length
        yield piece
      }
    },
    isAtEnd: async () => !(await fill()),
  }
}

function cutShort(): AwsError {
  return new AwsError('IncompleteBody', 'the body ended in the middle of a chunk')
}
