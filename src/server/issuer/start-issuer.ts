/** The embedded provider behind its own https address. */
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openServer, type ServerBounds } from '../http/open-server.ts'
import type { Address } from '../http/server-address.ts'
import { admitRequests } from './admit-requests.ts'
import type { Issuer, IssuerClient } from './create-issuer.ts'
import type { ModelBounds } from './model-store.ts'
import { generateSigningKey } from './signing-key.ts'
import type { IssuerUser } from './users.ts'

export interface StartIssuerOptions {
  readonly address: Address
  readonly clients: readonly IssuerClient[]
  /** Who may sign in; nobody when left out. */
  readonly users?: readonly IssuerUser[] | undefined
  readonly nowMs: () => number
  /** Resolves after that many milliseconds; a timer when left out. */
  readonly wait?: ((delayMs: number) => Promise<void>) | undefined
  /** How much is remembered; for tests. */
  readonly bounds?: Partial<ModelBounds> | undefined
}

export interface RunningIssuer {
  readonly issuer: string
  readonly tokenEndpoint: URL
  readonly jwksUrl: URL
  readonly jwks: Issuer['jwks']
  /** PEM to trust. */
  readonly certificate: string
  readonly issueToken: Issuer['issueToken']
  stop(): Promise<void>
}

/** People and their programs; each connection costs a TLS session. */
const maxConnections = 1024

/**
 * Binds before it makes the provider, because the issuer's name holds the port. The key, which takes longest, is begun first, and what is
 * loaded meanwhile is loaded meanwhile.
 *
 * @throws Node's own error when the address cannot be bound.
 */
export async function startIssuer({
  address,
  clients,
  users = [],
  nowMs,
  wait = (delayMs) => sleep(delayMs),
  bounds,
}: StartIssuerOptions): Promise<RunningIssuer> {
  const signingKey = generateSigningKey()
  const { makeCertificate } = await import('../http/self-signed-certificate.ts')
  const { cert, key } = await makeCertificate(nowMs())
  let onRequest: ServerBounds['onRequest'] | undefined
  const server = openServer({
    // No client certificate is asked for; without an authority of its own each server parses all the built-in ones (20 ms).
    tls: { cert, key, ca: cert },
    maxHeaderBytes: 16 * 1024,
    maxConnections,
    // Nobody knows the address before it is told, at the end.
    onRequest: (exchange) => onRequest?.(exchange),
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const origin = `https://localhost:${port}`
  const { createIssuer } = await import('./create-issuer.ts')
  const options = {
    issuer: `${origin}/oauth2/token`,
    clients,
    users,
    signingKey,
    nowMs,
    wait,
    bounds,
  }
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const issuer = await createIssuer(options).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  onRequest = admitRequests(issuer.handle)
  return {
    issuer: options.issuer,
    tokenEndpoint: new URL('/oauth2/token', origin),
    jwksUrl: new URL('/oauth2/jwks', origin),
    jwks: issuer.jwks,
    certificate: cert,
    issueToken: issuer.issueToken,
    stop,
  }
}
