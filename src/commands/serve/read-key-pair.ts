import { createSecureContext } from 'node:tls'
import { StsCliError } from '../../base/errors.ts'
import { readTextFile } from '../options/settings.ts'

/**
 * Reads a certificate and its key for `serve`, both PEM files.
 *
 * @throws {StsCliError} `ERR_INPUT` when one cannot be read, `ERR_DATA` when they are not a pair.
 */
export function readKeyPair(certFile: string, keyFile: string): { cert: string; key: string } {
  const pair = {
    cert: readTextFile(certFile, 'certificate'),
    key: readTextFile(keyFile, 'private key'),
  }
  try {
    createSecureContext(pair)
  } catch {
    // The cause is left out: OpenSSL's errors may quote the input.
    throw new StsCliError(
      'tls-certificate-invalid',
      `${certFile} and ${keyFile} are no certificate with its key`,
      {
        stage: 'serve',
      },
    )
  }
  return pair
}
