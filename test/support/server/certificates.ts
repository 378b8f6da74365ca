/** Makes CA and client certificates for a test. */
import { generate } from 'selfsigned'

export interface Pair {
  readonly cert: string
  readonly key: string
}

export interface Wanted {
  /** If omitted, the certificate is self-signed. */
  readonly ca?: Pair
  readonly names?: readonly (readonly [name: string, value: string])[]
  readonly isAuthority?: boolean
  readonly purposes?: { readonly clientAuth?: boolean; readonly serverAuth?: boolean }
  /** Relative to now, in seconds: TLS uses the real clock. */
  readonly from?: number
  readonly to?: number
}

/** Makes a P-256 certificate, valid from an hour ago for two hours. */
export async function makePair(commonName: string, wanted: Wanted = {}): Promise<Pair> {
  const { ca, names = [], isAuthority = false, from = -3600, to = 3600 } = wanted
  const purposes = wanted.purposes ?? { clientAuth: true }
  const attributes = [['commonName', commonName] as const, ...names].filter(
    ([, text]) => text !== '',
  )
  const { cert, private: key } = await generate(
    attributes.map(([name, value]) => ({ name, value })),
    {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notBeforeDate: new Date(Date.now() + from * 1000),
      notAfterDate: new Date(Date.now() + to * 1000),
      ...(ca === undefined ? {} : { ca }),
      extensions: [
        { name: 'basicConstraints', cA: isAuthority, critical: true },
        { name: 'keyUsage', digitalSignature: true, keyCertSign: isAuthority, critical: true },
        ...(isAuthority || Object.keys(purposes).length === 0
          ? []
          : [{ name: 'extKeyUsage' as const, ...purposes }]),
      ],
    },
  )
  return { cert, key }
}
