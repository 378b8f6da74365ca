/** An S3 server whose answers a test scripts, and which records its requests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** True if the body was complete. */
  readonly isWhole: boolean
}

export interface ScriptedUpstream {
  readonly url: URL
  /** All requests except the gateway's own one at start. */
  readonly seen: SeenRequest[]
  /** Called after the body was read; if omitted, the answer is 200 without a body. */
  answer: (request: SeenRequest, response: ServerResponse) => void
  /** Called before a byte of the body is read; returns true if it has answered. */
  answerEarly: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Resolves when a request has ended, complete or aborted. */
  nextSeen(): Promise<SeenRequest>
  stop(): Promise<void>
  /** Listens again, at the same port. */
  restart(): Promise<void>
}

export const keys = {
  accessKeyId: 'UPSTREAM-KEY-ID',
  secretAccessKey: 'upstream-secret-of-some-length-00',
}

/** Returns an S3 error document. */
export function errorXml(code: string, message = 'said the upstream', more = ''): string {
  return `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>UP1</RequestId></Error>`
}

export async function startUpstream(): Promise<ScriptedUpstream> {
  const seen: SeenRequest[] = []
  const waiting: ((request: SeenRequest) => void)[] = []
  const upstream: ScriptedUpstream = {
    url: new URL('http://127.0.0.1'),
    seen,
    answer: (_request, response) => response.end(),
    answerEarly: () => false,
    nextSeen: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () => close(),
    restart: () => listen(Number(upstream.url.port)),
  }
  const server = createServer((message, response) => {
    if (upstream.answerEarly(message, response)) return
    const chunks: Buffer[] = []
    const finish = (isWhole: boolean): void => {
      const request = {
        method: message.method ?? '',
        url: message.url ?? '',
        headers: message.headers as Record<string, string>,
        body: Buffer.concat(chunks),
        isWhole,
      }
      const isProbe = `${request.headers['host']}${request.url}`.includes('probe-bucket-sign-')
      if (!isProbe) seen.push(request)
      if (!isProbe) waiting.shift()?.(request)
      if (isWhole) upstream.answer(request, response)
    }
    message.on('data', (chunk: Buffer) => chunks.push(chunk))
    message.on('end', () => finish(true))
    message.on('error', () => finish(false))
  })
  const listen = (port: number): Promise<void> => {
    return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  }
  const close = (): Promise<void> => {
    return new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
  await listen(0)
  upstream.url.port = String((server.address() as AddressInfo).port)
  onTestFinished(close)
  return upstream
}
