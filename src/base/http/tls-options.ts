/** The trusted CAs and the client certificate of a client's connection. */
import { readFileSync } from 'node:fs'
import { StsCliError, type ErrorStage } from '../errors.ts'
import { describeFileError } from '../files/file-error.ts'
import { isLoopbackHost } from './loopback.ts'

export interface TrustOptions {
  readonly stage: ErrorStage
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly certKeyFile?: string | undefined
  readonly isInsecure?: boolean | undefined
}

export interface TlsOptions {
  readonly rejectUnauthorized?: boolean
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
}

/**
 * Returns the CAs that a connection trusts, and its client certificate.
 *
 * @throws {StsCliError} `ERR_INPUT`, `ERR_DATA` for a file that cannot be read or is invalid.
 */
export async function readTlsOptions(url: URL, options: TrustOptions): Promise<TlsOptions> {
  const { caFile, isInsecure, stage } = options
  const own = await readOwnCertificate(options)
  if (isInsecure === true) return { ...own, rejectUnauthorized: false }
  if (caFile === undefined) return own
  const ca = readCaFile(caFile, stage)
  // No public CA may certify localhost (CA/Browser Forum, Baseline Requirements §4.2.2), and reading all of them takes longer
  // than the whole flow.
  if (isLoopbackHost(url.hostname)) return { ...own, ca: [ca] }
  const { rootCertificates } = await import('node:tls')
  return { ...own, ca: [ca, ...rootCertificates] }
}

async function readOwnCertificate(options: TrustOptions): Promise<TlsOptions> {
  const { certFile, certKeyFile, stage } = options
  if (certFile === undefined || certKeyFile === undefined) return {}
  const cert = readPemFile(certFile, 'certificate', stage)
  const key = readPemFile(certKeyFile, 'key', stage)
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext({ cert, key })
  } catch {
    // Without the cause: OpenSSL's errors may quote the input.
    throw new StsCliError(
      'client-certificate-invalid',
      `${certFile} and ${certKeyFile} are no certificate with its key`,
      {
        stage,
      },
    )
  }
  return { cert, key }
}

function readPemFile(path: string, what: string, stage: ErrorStage): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = describeFileError(cause)
    throw new StsCliError('file-unreadable', `the ${what} file ${path} cannot be read${why}`, {
      stage,
      cause,
    })
  }
}

/** Returns the text of the file. @throws {StsCliError} `ERR_INPUT` when it cannot be read, `ERR_DATA` when it contains no certificate. */
export function readCaFile(path: string, stage: ErrorStage): string {
  const text = readPemFile(path, 'CA', stage)
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new StsCliError('ca-file-invalid', `the CA file ${path} holds no certificate`, {
      stage,
    })
  return text
}
