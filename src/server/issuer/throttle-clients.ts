/** Throttles guesses of client secrets, at every endpoint where clients authenticate. */
import type { IncomingMessage } from 'node:http'
import { TooManyAttempts, type AttemptThrottle, type Outcome } from '../../base/attempt-throttle.ts'
import { releaseSlot } from './admit-requests.ts'
import type { KoaContextWithOIDC, OidcLibrary, Provider } from './oidc-library.ts'

/**
 * The library's names of the endpoints where clients authenticate (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1, RFC 8628 §3.1, RFC 9126
 * §2).
 */
const clientEndpoints = new Set([
  'token',
  'introspection',
  'revocation',
  'device_authorization',
  'pushed_authorization_request',
])

/** The fields of the library's errors that are set here. */
interface ProtocolError extends Error {
  status: number
  statusCode: number
  expose: boolean
}

/**
 * Makes the provider delay client authentication after failures, by client id and address. A known client with a wrong secret and an unknown
 * client are delayed alike. Clients without a secret are never delayed, because they have nothing to guess.
 */
export function throttleClients(
  provider: Provider,
  library: OidcLibrary,
  throttle: AttemptThrottle,
): void {
  const settlers = new WeakMap<IncomingMessage, (outcome: Outcome) => void>()
  const settle = (request: IncomingMessage | undefined, outcome: Outcome): void => {
    if (request === undefined) return
    settlers.get(request)?.(outcome)
    settlers.delete(request)
  }
  const { Client } = provider
  const findClient = Client.find.bind(Client)
  const compareSecret = Client.prototype.compareClientSecret
  const decoy = Object.assign(Object.create(Client.prototype) as object, { clientSecret: 'decoy' })
  const entered = new WeakSet<IncomingMessage>()
  // `Client.find` is the only place that knows the client id, as the library parsed it, before the secret is compared.
  Client.find = async (id: string, ...rest: []) => {
    const client = await findClient(id, ...rest)
    const context: KoaContextWithOIDC | undefined = library.Provider.ctx
    if (context === undefined || !clientEndpoints.has(context.oidc.route)) return client
    if (entered.has(context.req) || client?.tokenEndpointAuthMethod === 'none') return client
    entered.add(context.req)
    const address = context.req.socket.remoteAddress ?? ''
    const onHold = (): void => releaseSlot(context.req)
    const settler = await throttle.enter({ name: id, address, onHold }).catch((error: unknown) => {
      throw error instanceof TooManyAttempts ? toBusyError(library, error.message) : error
    })
    settlers.set(context.req, settler)
    // An unknown client takes the same comparison, so that its answer does not come sooner.
    if (client === undefined) await compareSecret.call(decoy as typeof Client.prototype, 'secret')
    return client
  }
  Client.prototype.compareClientSecret = async function compareAndCount(actual) {
    const isRight = await compareSecret.call(this, actual)
    settle(library.Provider.ctx?.req, isRight ? 'right' : 'wrong')
    return isRight
  }
  provider.use(async (context, next) => {
    try {
      await next()
    } finally {
      const { status, body, req } = context
      // No secret was compared: the client is unknown, or the request failed for another reason, which does not count.
      settle(req, isWrongClient(status, body) ? 'wrong' : 'unknown')
      if (status === 429 || status === 503) context.set('retry-after', '5')
    }
  })
}

/** Returns the error for a request that the provider cannot answer now. @param why Its text, which the client sees. */
export function toBusyError({ errors }: OidcLibrary, why: string, status: 429 | 503 = 429): Error {
  const error: ProtocolError = new errors.CustomOIDCProviderError('temporarily_unavailable', why)
  return Object.assign(error, { status, statusCode: status, expose: true })
}

/** Returns true for the library's answer to a failed client authentication (RFC 6749 §5.2). */
function isWrongClient(status: number, body: unknown): boolean {
  if (status !== 401) return false
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '')
  return text.includes('"invalid_client"')
}
