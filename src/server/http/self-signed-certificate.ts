/** Creates the embedded provider's certificate, a new one at each start. The adapter to selfsigned. */
import { randomBytes } from 'node:crypto'
import { generate } from 'selfsigned'

export interface Certificate {
  /** The certificate (PEM). It is its own CA, so this is what clients must trust. */
  readonly cert: string
  readonly key: string
}

const lifetimeDays = 30

/**
 * Returns a certificate for `localhost` and the loopback addresses, valid for 30 days. Its key is P-256: an RSA key would delay the start.
 */
export async function makeCertificate(nowMs: number): Promise<Certificate> {
  // The name is random, because a server may have two of these certificates, and of two CAs with the same name a client tries only the first.
  const value = `sts-cli serve on this machine ${randomBytes(4).toString('hex')}`
  const { cert, private: key } = await generate([{ name: 'commonName', value }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - 3_600_000),
    notAfterDate: new Date(nowMs + lifetimeDays * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { cert, key }
}
