/** Lines and stretches of bytes out of a stream of buffers, without copying the stretches. */
import { AwsError } from '../../../protocol/aws-error.ts'

export interface ByteReader {
  /** Text up to a line end (CRLF, or LF alone), without it. @throws {AwsError} when it is longer than `maxBytes`. */
  readLine(maxBytes: number): Promise<string>
  /** Exactly `length` bytes, in pieces as they came. @throws {AwsError} `IncompleteBody`. */
  read(length: number): AsyncGenerator<Buffer, void, undefined>
  isAtEnd(): Promise<boolean>
}

const lineFeed = 10

/** Reads on demand: nothing is taken from `source` before it is asked for. */
export function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const iterator = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  /** Makes sure that `rest` has something; false at the end. */
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
