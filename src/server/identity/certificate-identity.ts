/** Reads a client certificate: its subject, its purpose and its validity period. */
import { X509Certificate } from 'node:crypto'

/** The fields of a client certificate that a login needs. */
export interface CertificateIdentity {
  /** The subject's common name; undefined when the subject has none or several. */
  readonly commonName: string | undefined
  readonly organizations: readonly string[]
  readonly issuerName: string | undefined
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** True for a CA certificate: it may sign certificates (RFC 5280 §4.2.1.9). */
  readonly isAuthority: boolean
  /** True when the extended key usage includes client authentication (RFC 5280 §4.2.1.12). */
  readonly isForClients: boolean
}

const clientAuth = '1.3.6.1.5.5.7.3.2'

/** Returns the fields of a certificate; undefined when it cannot be read. @param der The certificate of the TLS handshake. */
export function readCertificate(der: Uint8Array): CertificateIdentity | undefined {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(der)
  } catch {
    return undefined
  }
  // The names are read as values: in the certificate's text form, a name with a line break would look like two names.
  const { subject, issuer } = certificate.toLegacyObject()
  const [commonName, ...others] = toList(subject.CN)
  // Node's types declare a string, but it is the list of purposes, and undefined when there is none.
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
