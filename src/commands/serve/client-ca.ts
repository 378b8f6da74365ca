/** MinIO's variables for client certificates, and `--client-ca` → the CA for client certificates. */
import { X509Certificate } from 'node:crypto'
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import { isOn, variableError } from './variables.ts'
import { readTextFile, type Settings } from '../options/settings.ts'

const enable = 'MINIO_IDENTITY_TLS_ENABLE'
const skipVerify = 'MINIO_IDENTITY_TLS_SKIP_VERIFY'

/** Reads the CA's PEM; undefined where client certificates are off. @throws {StsCliError} `ERR_CONFIG` without TLS or without a CA; `ERR_INPUT`, `ERR_DATA` for the file. */
export function readClientCa(settings: Settings, io: Io): string | undefined {
  const file = settings.get('client-ca')
  if (!isOn(io, enable) && file === undefined) return undefined
  if (isOn(io, skipVerify))
    throw variableError(
      'variable-unsupported',
      skipVerify,
      'is on: anybody could make a certificate with the name of any policy',
      'name the authority of your clients with --client-ca',
    )
  if (file === undefined)
    throw variableError(
      'client-ca-missing',
      enable,
      'is on, but no authority is named',
      'name the authority of your clients with --client-ca FILE: no other vouches for policies',
    )
  if (!settings.has('tls') && settings.get('tls-cert') === undefined)
    throw new StsCliError('client-ca-needs-tls', 'client certificates are shown over https alone', {
      stage: 'serve',
      hint: 'add --tls-cert FILE --tls-key FILE, or --tls for a certificate made at start',
    })
  return checkAuthorities(readTextFile(file, 'client CA'), file)
}

function checkAuthorities(pem: string, file: string): string {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? []
  try {
    const read = certificates.map((certificate) => new X509Certificate(certificate))
    if (read.length === 0) throw new Error('no certificate')
  } catch (cause) {
    throw new StsCliError('client-ca-invalid', `${file} holds no certificates in PEM`, {
      stage: 'serve',
      cause,
    })
  }
  return pem
}
