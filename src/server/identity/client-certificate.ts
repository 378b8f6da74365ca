/** What a client's certificate says: who holds it, what it is for, how long it is good. */
import { X509Certificate } from 'node:crypto'

export interface CertificateIdentity {
  /** Undefined where the subject has none, or several. */
  readonly commonName: string | undefined
  readonly organizations: readonly string[]
  readonly issuerName: string | undefined
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** It may sign certificates: an authority's, not a client's. */
  readonly isAuthority: boolean
  /** Its extended key usage names client authentication (RFC 5280 §4.2.1.12). */
  readonly isForClients: boolean
}

const clientAuth = '1.3.6.1.5.5.7.3.2'

/** Reads a certificate. @param der As it came in the handshake. @returns Undefined for what cannot be read. */
export function readCertificate(der: Uint8Array): CertificateIdentity | undefined {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(der)
  } catch {
    return undefined
  }
  // The names as values: in the certificate's text form, a name with a line break in it would look like two.
  const { subject, issuer } = certificate.toLegacyObject()
  const [commonName, ...others] = toList(subject.CN)
  // The types hold it for one text; it is the list of purposes, and absent where there is none.
  const purposes: unknown = certificate.keyUsage
  return {
    commonName: others.length === 0 && commonName !== '' ? commonName : undefined,
    organizations: toList(subject.O),
    issuerName: toList(issuer.CN)[0],
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    isAuthority: certificate.ca,
    isForClients: Array.isArray(purposes) && purposes.includes(clientAuth),
  }
}

function toList(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value]
  return items.filter((item) => typeof item === 'string')
}
