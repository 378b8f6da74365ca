/** Sends a source of bytes by two buffers in turn: while one is written to the socket, the next bytes are read into the other. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ByteSource } from './http-message.ts'

/** Size of one read. Larger ones gain nothing, and two of these stay in a processor's cache. */
const bufferBytes = 512 * 1024
/** The pairs that are kept for the next replies. More replies at once allocate their own. */
const maxKeptPairs = 16

type Pair = readonly [Buffer, Buffer]
const keptPairs: Pair[] = []

function takePair(): Pair {
  return (
    keptPairs.pop() ?? [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)]
  )
}

/**
 * Sends the bytes of a source, and closes it.
 *
 * @returns The number of bytes that were handed to the socket. When the client disconnects or the source fails, the connection is closed:
 *   after the headers, only that shows the client an error.
 */
export async function sendSource(
  message: IncomingMessage,
  response: ServerResponse,
  source: ByteSource,
): Promise<number> {
  const pair = takePair()
  let sent = 0
  let isWhole = false
  try {
    if (message.method !== 'HEAD') sent = await copy(source, response, pair)
    isWhole = message.method === 'HEAD' || sent === source.lengthBytes
  } catch {
    // The source failed; it has logged why.
  } finally {
    await source.close().catch(() => {})
  }
  if (!isWhole) {
    // The socket may still hold the last buffers, so they are not used again.
    response.destroy()
    return sent
  }
  if (keptPairs.length < maxKeptPairs) keptPairs.push(pair)
  response.end()
  return sent
}

/** Resolves when every byte was taken by the socket, or when the source or the connection ended. */
async function copy(source: ByteSource, response: ServerResponse, pair: Pair): Promise<number> {
  const { lengthBytes } = source
  let sent = 0
  let writing = Promise.resolve(true)
  for (let turn = 0, at = 0; at < lengthBytes; turn += 1) {
    const buffer = pair[turn % 2 === 0 ? 0 : 1]
    const wanted = buffer.subarray(0, Math.min(buffer.length, lengthBytes - at))
    const count = await source.readInto(wanted, at)
    if (count === 0) return sent
    at += count
    // The write before used the other buffer. When it is done, that one is free for the next read.
    if (!(await writing)) return sent
    writing = write(response, wanted.subarray(0, count))
    sent += count
  }
  return (await writing) ? sent : 0
}

/** Resolves to true when the socket has taken the bytes, so that the buffer is free; to false when the connection is closed. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false)
    const onClose = (): void => resolve(false)
    response.once('close', onClose)
    response.write(bytes, (error) => {
      response.off('close', onClose)
      resolve(error === undefined || error === null)
    })
  })
}
