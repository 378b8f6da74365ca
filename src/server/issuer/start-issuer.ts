/** Starts the embedded identity provider on its own https address. */
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openServer, type OpenServerOptions } from '../http/open-server.ts'
import type { ServerAddress } from '../http/server-address.ts'
import type { IsOriginAllowed } from '../http/cors-origins.ts'
import { admitRequests } from './admit-requests.ts'
import { allowPages } from './allow-pages.ts'
import type { IssuerClient } from './client-metadata.ts'
import type { Issuer } from './create-issuer.ts'
import type { ModelLimits } from './model-store.ts'
import { generateSigningKey } from './generate-signing-key.ts'
import type { IssuerUser } from './users.ts'

export interface StartIssuerOptions {
  readonly address: ServerAddress
  readonly clients: readonly IssuerClient[]
  /** The users who may sign in (default: none). */
  readonly users?: readonly IssuerUser[] | undefined
  /** Where logins may lead besides this machine's own addresses (default: nowhere else). */
  readonly redirectUris?: readonly string[] | undefined
  /** Returns whether pages of the origin may read answers (default: all may). */
  readonly isOriginAllowed?: IsOriginAllowed | undefined
  readonly nowMs: () => number
  /** Resolves after the given number of milliseconds (default: a timer). */
  readonly wait?: ((delayMs: number) => Promise<void>) | undefined
  /** The limits of the model store, for tests. */
  readonly limits?: Partial<ModelLimits> | undefined
}

export interface RunningIssuer {
  readonly issuer: string
  readonly tokenEndpoint: URL
  readonly jwksUrl: URL
  readonly readKeys: Issuer['readKeys']
  /** Loads what answers requests, which otherwise the first of them does and waits for. @throws {Error} If that is impossible. */
  readonly load: Issuer['load']
  /** The CA of its certificate (PEM), which clients must trust. */
  readonly certificate: string
  readonly issueToken: Issuer['issueToken']
  stop(): Promise<void>
}

/** Enough for people and their programs; each connection costs a TLS session. */
const maxConnections = 1024

/**
 * Starts the identity provider. The address is bound before the provider is created, because the issuer contains the port. The signing key
 * takes longest, so its generation starts first; requests wait for it, and for the library (`load`).
 *
 * @throws {Error} Node's error when the address cannot be bound. @throws {StsCliError} as `createIssuer`.
 */
export async function startIssuer({
  address,
  isOriginAllowed = () => true,
  ...given
}: StartIssuerOptions): Promise<RunningIssuer> {
  const signingKey = generateSigningKey()
  const { makeCertificate } = await import('../http/self-signed-certificate.ts')
  const { cert, key, authority } = await makeCertificate(given.nowMs())
  let onRequest: OpenServerOptions['onRequest'] | undefined
  const server = openServer({
    // Client certificates are not requested, so that no CA is needed. Without a list, and with one that names a CA, Node 20 first parses all of its
    // built-in CA certificates, which takes twice as long as its own start.
    tls: { cert, key, ca: [] },
    maxHeaderBytes: 16 * 1024,
    maxConnections,
    // Nobody knows the address before this function returns, so there are no requests before `onRequest` is set.
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
    ...given,
    users: given.users ?? [],
    wait: given.wait ?? ((delayMs: number) => sleep(delayMs)),
    issuer: `${origin}/oauth2/token`,
    signingKey,
  }
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const issuer = await openOrStop(() => createIssuer(options), stop)
  onRequest = allowPages(admitRequests(issuer.handle), isOriginAllowed)
  return {
    issuer: options.issuer,
    tokenEndpoint: new URL('/oauth2/token', origin),
    jwksUrl: new URL('/oauth2/jwks', origin),
    readKeys: issuer.readKeys,
    load: issuer.load,
    certificate: authority,
    issueToken: issuer.issueToken,
    stop,
  }
}

async function openOrStop<T>(open: () => T, stop: () => Promise<void>): Promise<T> {
  try {
    return open()
  } catch (error) {
    await stop()
    throw error
  }
}
