/** The embedded provider behind its own https address. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Address } from '../server-address.ts'
import { makeCertificate } from './certificate.ts'
import { createIssuer, type Issuer, type IssuerClient } from './create-issuer.ts'

export interface StartIssuerOptions {
  readonly address: Address
  readonly clients: readonly IssuerClient[]
  readonly nowMs: () => number
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

/**
 * Binds first, because the issuer's name holds the port, then makes key and certificate side by side.
 *
 * @throws Node's own error when the address cannot be bound.
 */
export async function startIssuer({
  address,
  clients,
  nowMs,
}: StartIssuerOptions): Promise<RunningIssuer> {
  const certificate = makeCertificate(nowMs())
  const server = createServer({
    ...(await certificate),
    maxHeaderSize: 16 * 1024,
    headersTimeout: 20_000,
    requestTimeout: 30_000,
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const origin = `https://localhost:${port}`
  const issuer = await createIssuer({ issuer: `${origin}/oauth2/token`, clients, nowMs })
  server.on('request', issuer.handle)
  return {
    issuer: `${origin}/oauth2/token`,
    tokenEndpoint: new URL('/oauth2/token', origin),
    jwksUrl: new URL('/oauth2/jwks', origin),
    jwks: issuer.jwks,
    certificate: (await certificate).cert,
    issueToken: issuer.issueToken,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
