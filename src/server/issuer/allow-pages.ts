/** Lets pages of other origins use the provider's endpoints (Fetch standard, "CORS protocol"). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../http/exchanges.ts'
import { preflightMaxAgeSeconds, readOrigin, type IsOriginAllowed } from '../http/cors-origins.ts'

/** What pages call by `fetch`. The login page and the device page are not among them: they read cookies. */
const endpoints = /^\/oauth2\/(?:token|jwks|userinfo|device_authorization|revoke|introspect)\/?$/i
const discovery = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)\/?$/i

/** Returns a function that answers preflights, and passes on all other requests with their responses prepared for pages. */
export function allowPages(
  pass: (exchange: Exchange) => void,
  isOriginAllowed: IsOriginAllowed,
): (exchange: Exchange) => void {
  return (exchange) => {
    if (!prepare(exchange.message, exchange.response, isOriginAllowed)) pass(exchange)
  }
}

/**
 * Prepares the response for a page, and answers a preflight. No credentials are allowed: the endpoints know a client by its request, never by a
 * cookie. Whatever the library would say to pages itself is removed, because it cannot be told of origins before it knows the client.
 *
 * @returns Whether the request is answered.
 */
function prepare(
  request: IncomingMessage,
  response: ServerResponse,
  isOriginAllowed: IsOriginAllowed,
): boolean {
  const [pathname = ''] = (request.url ?? '').split('?', 1)
  if (!endpoints.test(pathname) && !discovery.test(pathname)) return false
  const origin = readOrigin(new Map([['origin', request.headers.origin ?? '']]))
  const isAllowed = origin !== undefined && isOriginAllowed(origin)
  // The library refuses a page that it was not told of. Here a page may ask what every program may; it is the browser that keeps the answer from it.
  delete request.headers.origin
  replaceHeaders(response, isAllowed ? origin : undefined)
  if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method'])
    return false
  if (isAllowed) {
    const names = request.headers['access-control-request-headers']
    response.setHeader('access-control-allow-methods', 'GET, POST')
    if (names) response.setHeader('access-control-allow-headers', names)
    response.setHeader('access-control-max-age', String(preflightMaxAgeSeconds))
  }
  response.writeHead(isAllowed ? 204 : 403, { 'content-length': 0 }).end()
  return true
}

/** Makes the headers for pages those of the origin, at the moment at which the response is sent. @param origin Undefined for none. */
function replaceHeaders(response: ServerResponse, origin: string | undefined): void {
  const send = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse
  response.writeHead = (...given: unknown[]): ServerResponse => {
    const asked = response.getHeaderNames().filter((name) => name.startsWith('access-control-'))
    const kept = /^access-control-(?:allow-(?:methods|headers)|max-age)$/
    for (const name of asked) {
      if (origin === undefined || !kept.test(name)) response.removeHeader(name)
    }
    response.setHeader('vary', 'Origin')
    if (origin !== undefined) {
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-expose-headers', 'www-authenticate, retry-after')
    }
    return send(...given)
  }
}
