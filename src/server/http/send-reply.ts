import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isByteSource, type HttpReply } from './http-message.ts'
import { sendSource } from './send-source.ts'

/** The most bytes that are read of the rest of a rejected upload, so that the client receives the reply and can keep its connection. */
const maxDrainedBytes = 256 * 1024

/**
 * Sends a reply. Afterwards the connection is ready for the next request, or closed.
 *
 * @returns The number of bytes of the body that were sent.
 */
export async function sendReply(
  message: IncomingMessage,
  response: ServerResponse,
  reply: HttpReply,
  requestId: string,
): Promise<number> {
  const body = reply.body ?? ''
  const isUnread = !message.complete && !message.readableEnded
  const headers: Record<string, string> = {
    'x-amz-request-id': requestId,
    server: 'sts-cli',
    ...reply.headers,
  }
  const declared = Number(message.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  // The connection is closed when the rest of the body is too long to be read and discarded.
  if (
    isUnread &&
    message.method !== 'GET' &&
    message.method !== 'HEAD' &&
    declared > maxDrainedBytes
  )
    headers['connection'] = 'close'
  if (
    !(body instanceof Readable) &&
    !isByteSource(body) &&
    headers['content-length'] === undefined &&
    reply.status !== 204 &&
    reply.status !== 304
  ) {
    headers['content-length'] = String(
      typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength,
    )
  }
  response.writeHead(reply.status, headers)
  const sent =
    body instanceof Readable
      ? await sendStream(message, response, body)
      : isByteSource(body)
        ? await sendSource(message, response, body)
        : sendWhole(message, response, body)
  if (isUnread) drain(message)
  return sent
}

function sendWhole(
  message: IncomingMessage,
  response: ServerResponse,
  body: string | Uint8Array,
): number {
  if (message.method === 'HEAD') {
    response.end()
    return 0
  }
  response.end(body)
  return body.length
}

async function sendStream(
  message: IncomingMessage,
  response: ServerResponse,
  body: Readable,
): Promise<number> {
  if (message.method === 'HEAD') {
    body.destroy()
    response.end()
    return 0
  }
  let sent = 0
  body.on('data', (chunk: Buffer) => {
    sent += chunk.length
  })
  try {
    await pipeline(body, response)
  } catch {
    // The client disconnected, or the source failed after the headers were sent. Then only a closed connection shows the client the error.
    response.destroy()
  }
  return sent
}

function drain(message: IncomingMessage): void {
  let drained = 0
  message.on('data', (chunk: Buffer) => {
    drained += chunk.length
    if (drained > maxDrainedBytes) message.destroy()
  })
  message.on('error', () => {})
  message.resume()
}
