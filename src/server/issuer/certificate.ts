/** The embedded provider's certificate, made anew at each start. The door to selfsigned. */
import { generate } from 'selfsigned'

export interface Certificate {
  /** PEM; it is its own authority, so clients trust it by trusting this. */
  readonly cert: string
  readonly key: string
}

const lifetimeDays = 30

/** Makes a certificate for this machine's own names: P-256, because an RSA key takes a start-up's worth of time. */
export async function makeCertificate(nowMs: number): Promise<Certificate> {
  const { cert, private: key } = await generate(
    [{ name: 'commonName', value: 'sts-cli serve (this machine only)' }],
    {
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
    },
  )
  return { cert, key }
}
