/** Handles the two requests of the login page. The library checks who may post: the interaction belongs to the cookie that began it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TooManyAttempts } from '../../base/attempt-throttle.ts'
import { loginPagesPath } from '../http/aws-login-request.ts'
import { releaseSlot } from './admit-requests.ts'
import { renderLoginPage, renderPage, type RenderedPage } from './pages.ts'
import type { Users } from './users.ts'

/** A login that the library has begun. */
export interface PendingLogin {
  readonly clientId: string
  /** The URI that the browser goes to after the login; undefined for a device login. */
  readonly redirectUri: string | undefined
}

/** The library's interactions, as far as the login page needs them. */
export interface Interactions {
  /** Returns the login that the request's cookie began; undefined when there is none or it has expired. */
  find(request: IncomingMessage, response: ServerResponse): Promise<PendingLogin | undefined>
  /** Answers the request with a redirect: the browser continues as this user. */
  finish(request: IncomingMessage, response: ServerResponse, name: string): Promise<void>
}

const maxFormBytes = 4096

const wrongLogin = 'The name or the password is wrong.'
const busyLogin = 'Too many attempts at once: try again in a few seconds.'

/** Answers a request of the login page: GET shows the form, POST checks the name and the password. */
export async function handleLogin(
  request: IncomingMessage,
  response: ServerResponse,
  { interactions, users }: { interactions: Interactions; users: Users },
): Promise<void> {
  const pending = await interactions.find(request, response)
  if (pending === undefined)
    return send(
      response,
      400,
      renderPage({ title: 'This login is over', content: '<p>Start again in the terminal.</p>' }),
    )
  const { clientId, redirectUri } = pending
  const form = { clientId, formTargets: redirectUri === undefined ? [] : listTargets(redirectUri) }
  if (request.method === 'GET' || request.method === 'HEAD')
    return send(response, 200, renderLoginPage(form))
  if (request.method !== 'POST')
    return send(response, 405, renderPage({ title: 'Not allowed', content: '' }))
  const posted = await readForm(request)
  const name = posted?.get('username') ?? ''
  const password = posted?.get('password') ?? ''
  try {
    const address = request.socket.remoteAddress ?? ''
    const user = await users.logIn({ name, password, address, onHold: () => releaseSlot(request) })
    if (user !== undefined) return await interactions.finish(request, response, name)
    return send(response, 401, renderLoginPage({ ...form, name, problem: wrongLogin }))
  } catch (error) {
    if (!(error instanceof TooManyAttempts)) throw error
    response.setHeader('retry-after', String(error.retryAfterSeconds))
    return send(response, 429, renderLoginPage({ ...form, name, problem: busyLogin }))
  }
}

/**
 * Returns where the browser may go after the form, by redirects too. From the login of AWS's tools it goes on, without a page between, to a program that
 * listens at a port of this machine.
 */
function listTargets(redirectUri: string): string[] {
  const isOfAwsLogin = new URL(redirectUri).pathname.startsWith(loginPagesPath)
  return [
    toSource(redirectUri),
    ...(isOfAwsLogin ? ['http://127.0.0.1:*', 'http://localhost:*'] : []),
  ]
}

/** Returns the CSP source expression of a URI. CSP has no IPv6 addresses (CSP Level 3 §2.3.1); for one, only the scheme is given. */
function toSource(address: string): string {
  const { origin, hostname, protocol } = new URL(address)
  return hostname.startsWith('[') ? protocol : origin
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  // When reading stops early, the connection stays open, because the response is still to be sent on it.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxFormBytes) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

function send(response: ServerResponse, status: number, { headers, body }: RenderedPage): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
