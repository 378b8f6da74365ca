/** The server to which the identity provider sends the browser back: on a loopback address, for one answer (RFC 8252 §7.3). */
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StsCliError } from '../../base/errors.ts'
import { isLoopbackHost } from '../../base/http/loopback.ts'
import { renderCallbackPage, type CallbackPage } from './callback-page.ts'

export interface CallbackServer {
  /** For the provider, with the port that was taken. */
  readonly redirectUri: string
  /** Returns an address of this server that redirects to the target once: in a command line the target would show `state`. */
  forwardOnce(target: URL): string
  /** Resolves to the URL with which the browser came back. @throws {StsCliError} `ERR_TIMEOUT`. */
  waitForAnswer(waitMs: number): Promise<URL>
  /** Shows the result in the browser, and stops listening. */
  finish(page: CallbackPage): Promise<void>
}

const tooLate: CallbackPage = {
  title: 'This login is over',
  text: 'The address works once. Start again in the terminal.',
}

/**
 * Starts the server.
 *
 * @param redirect http on a loopback host; without a port, or with 0, a free one is taken.
 * @throws {StsCliError} `ERR_UNAVAILABLE` when the port is taken.
 */
export async function openCallbackServer(redirect: URL): Promise<CallbackServer> {
  const answers = new EventEmitter<{ answer: [URL] }>()
  const answered = once(answers, 'answer') as Promise<[URL]>
  let pending: ServerResponse | undefined
  let forward: { path: string; target: URL } | undefined
  const server = createServer({ maxHeaderSize: 16 * 1024 }, (request, response) => {
    const url = readOwnUrl(request, redirectUri)
    if (url === undefined || request.method !== 'GET')
      return sendPage(response, 404, { title: 'Not found', text: 'There is nothing here.' })
    if (url.pathname === forward?.path) {
      const { target } = forward
      forward = undefined
      response.writeHead(302, {
        location: target.href,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      })
      return response.end()
    }
    const isAnswer = url.searchParams.has('code') || url.searchParams.has('error')
    if (url.pathname !== redirectUri.pathname || !isAnswer)
      return sendPage(response, 404, { title: 'Not found', text: 'There is nothing here.' })
    if (pending !== undefined) return sendPage(response, 410, tooLate)
    pending = response
    answers.emit('answer', url)
    return undefined
  })
  const redirectUri = await listen(server, redirect)
  return {
    redirectUri: redirectUri.href,
    forwardOnce(target) {
      forward = { path: `/${randomBytes(16).toString('base64url')}`, target }
      return new URL(forward.path, redirectUri).href
    },
    waitForAnswer: (waitMs) => waitAtMost(answered, waitMs),
    async finish(page) {
      const response = pending
      if (response !== undefined && !response.writableEnded && !response.destroyed)
        await new Promise<void>((resolve) => {
          response.on('finish', resolve).on('close', resolve)
          sendPage(response, 200, page)
        })
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Returns the request's URL when it is for this server: a page elsewhere whose name resolves to this machine (DNS rebinding) sends another Host. */
function readOwnUrl(request: IncomingMessage, redirectUri: URL): URL | undefined {
  const { host = '', url = '' } = { host: request.headers.host, url: request.url }
  if (host !== redirectUri.host || !url.startsWith('/') || !URL.canParse(url, redirectUri.origin))
    return undefined
  return new URL(`${redirectUri.origin}${url}`)
}

async function listen(server: Server, redirect: URL): Promise<URL> {
  const port = redirect.port === '' ? 0 : Number(redirect.port)
  const name = redirect.hostname.replace(/^\[|\]$/g, '')
  // A resolver may give another address for localhost.
  const host = isLoopbackHost(name) && name.endsWith('localhost') ? '127.0.0.1' : name
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host, exclusive: true }, resolve)
    })
  } catch (cause) {
    throw new StsCliError(
      'redirect-uri-unavailable',
      `the redirect address ${redirect.host} cannot be listened at`,
      { stage: 'config', cause },
    )
  }
  const taken = new URL(redirect)
  taken.port = String((server.address() as AddressInfo).port)
  return taken
}

async function waitAtMost(answered: Promise<[URL]>, waitMs: number): Promise<URL> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const message = `nobody signed in within ${waitMs / 1000} s`
      reject(
        new StsCliError('login-timeout', message, {
          stage: 'idp',
        }),
      )
    }, waitMs)
  })
  try {
    const [answer] = await Promise.race([answered, late])
    return answer
  } finally {
    clearTimeout(timer)
  }
}

function sendPage(response: ServerResponse, status: number, page: CallbackPage): void {
  const { headers, body } = renderCallbackPage(page)
  response.writeHead(status, headers)
  response.end(body)
}
