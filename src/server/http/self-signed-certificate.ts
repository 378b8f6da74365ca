/** The embedded provider's certificate, made anew at each start. The door to selfsigned. */
import { randomBytes } from 'node:crypto'
import { generate } from 'selfsigned'

export interface Certificate {
  /** PEM; it is its own authority, so clients trust it by trusting this. */
  readonly cert: string
  readonly key: string
}

const lifetimeDays = 30

/** Makes a certificate for this machine's own names: P-256, because an RSA key takes a start-up's worth of time. */
export async function makeCertificate(nowMs: number): Promise<Certificate> {
  // Of two authorities with one name a client tries only the first, and a server may have two certificates of ours.
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
