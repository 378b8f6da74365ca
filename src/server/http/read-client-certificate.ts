import { TLSSocket, type DetailedPeerCertificate } from 'node:tls'
import type { Socket } from 'node:net'
import type { ClientCertificate } from './http-message.ts'

/** The limit for counting a chain, which may be circular. */
const maxCounted = 32

/**
 * Returns the client certificate of a TLS connection, whose private key the client has proved to hold. Returns undefined when the client sent
 * none or was not asked for one.
 */
export function readClientCertificate(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  // Not `getPeerX509Certificate`: in Node 20 the chain is no longer available after it.
  const leaf = socket.getPeerCertificate(true)
  if (!(leaf?.raw instanceof Uint8Array)) return undefined
  return {
    der: leaf.raw,
    refusal: socket.authorized ? undefined : toErrorCode(socket.authorizationError),
    authorities: countAuthorities(leaf),
  }
}

/** Returns OpenSSL's error code, such as `CERT_HAS_EXPIRED`. */
function toErrorCode(error: Error | string | undefined): string {
  const text = error instanceof Error ? error.message : error
  return text === undefined ? 'not verified' : text
}

/** Returns the number of CA certificates in the chain. The chain ends at a self-signed certificate, which is its own issuer. */
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
