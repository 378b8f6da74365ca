/** Slows down guessing of client secrets, wherever a client proves who it is. */
import type { IncomingMessage } from 'node:http'
import { TooManyAttempts, type AttemptThrottle, type Outcome } from '../../base/attempt-throttle.ts'
import { leavePlace } from './admit-requests.ts'
import type { KoaContextWithOIDC, Library, Provider } from './create-issuer.ts'

/** The library's names of the endpoints at which clients authenticate (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1, RFC 8628 §3.1, RFC 9126 §2). */
const guarded = new Set([
  'token',
  'introspection',
  'revocation',
  'device_authorization',
  'pushed_authorization_request',
])

/** The type of the library's error as far as it is used here. */
interface ProtocolError extends Error {
  status: number
  statusCode: number
  expose: boolean
}

/**
 * Makes the provider hold attempts to authenticate as a client after failures, for each client's name and address: a known client with a
 * wrong secret and an unknown client alike. Clients without a secret are not held, there is nothing to guess.
 */
export function throttleClients(
  provider: Provider,
  library: Library,
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
  // Where the library looks the client up is the one place that knows its name, as it was understood, before the secret is compared.
  Client.find = async (id: string, ...rest: []) => {
    const client = await findClient(id, ...rest)
    const context: KoaContextWithOIDC | undefined = library.Provider.ctx
    if (context === undefined || !guarded.has(context.oidc.route)) return client
    if (entered.has(context.req) || client?.tokenEndpointAuthMethod === 'none') return client
    entered.add(context.req)
    const address = context.req.socket.remoteAddress ?? ''
    const onHold = (): void => leavePlace(context.req)
    const settler = await throttle.enter({ name: id, address, onHold }).catch((error: unknown) => {
      throw error instanceof TooManyAttempts ? toBusy(library, error.message) : error
    })
    settlers.set(context.req, settler)
    // A client that does not exist costs the same comparison.
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
      // Nothing was compared: a client that does not exist, or a request that is refused for another reason and proves nothing.
      settle(req, isWrongClient(status, body) ? 'wrong' : 'unknown')
      if (status === 429 || status === 503) context.set('retry-after', '5')
    }
  })
}

/** Says that the provider cannot take this request now. @param status 429 or 503; its text is shown in both cases. */
export function toBusy({ errors }: Library, why: string, status: 429 | 503 = 429): Error {
  const error: ProtocolError = new errors.CustomOIDCProviderError('temporarily_unavailable', why)
  return Object.assign(error, { status, statusCode: status, expose: true })
}

/** As the library answers a failed client authentication (RFC 6749 §5.2). */
function isWrongClient(status: number, body: unknown): boolean {
  if (status !== 401) return false
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '')
  return text.includes('"invalid_client"')
}
