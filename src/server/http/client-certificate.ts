import { TLSSocket, type DetailedPeerCertificate } from 'node:tls'
import type { Socket } from 'node:net'
import type { ClientCertificate } from './http-message.ts'

/** Longest chain counted; one that runs in a circle ends here. */
const maxCounted = 32

/** Returns the certificate whose key the client proved to hold; undefined where it sent none or was not asked. */
export function readClientCertificate(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  // Not `getPeerX509Certificate`: in Node 20 the chain is gone after it.
  const leaf = socket.getPeerCertificate(true)
  if (!(leaf?.raw instanceof Uint8Array)) return undefined
  return {
    der: leaf.raw,
    refusal: socket.authorized ? undefined : describe(socket.authorizationError),
    authorities: countAuthorities(leaf),
  }
}

/** Returns OpenSSL's error code. */
function describe(error: Error | string | undefined): string {
  const text = error instanceof Error ? error.message : error
  return text === undefined ? 'not verified' : text
}

/** A certificate that signed itself is its own issuer. */
function countAuthorities(leaf: DetailedPeerCertificate): number {
  let count = 0
  let at = leaf
  while (count < maxCounted) {
    const issuer: DetailedPeerCertificate | undefined = at.issuerCertificate
    if (issuer === undefined || issuer.fingerprint256 === at.fingerprint256) return count
    count += 1
    at = issuer
  }
  return count
}
