/** MinIO's variables for etcd → where issued credentials are shared. */
import type { Io } from '../../base/io.ts'
import type { EtcdOptions } from '../../server/sessions/etcd/etcd-sessions.ts'
import { readKeyPair } from './read-key-pair.ts'
import { readCa, serveError } from './variables.ts'
import type { Settings } from '../options/settings.ts'

/** A cluster has three or five members; more than this is a mistake. */
const maxEndpoints = 16

/**
 * Reads MinIO's variables, and a user's name and password, which MinIO does not have; undefined where `MINIO_ETCD_ENDPOINTS` is not set.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a variable that is not valid, `ERR_INPUT` and `ERR_DATA` for files.
 */
export function readEtcd(settings: Settings, io: Io): EtcdOptions | undefined {
  const endpoints = readEndpoints(io)
  if (endpoints === undefined) return undefined
  return {
    endpoints,
    // Unchanged, as MinIO puts it before its keys: with another slash the two would use different keys.
    keyPrefix: io.env['MINIO_ETCD_PATH_PREFIX'] ?? '',
    tls: {
      ca: readCa(settings),
      ...readClientCertificate(io),
    },
    user: readUser(io),
  }
}

function readEndpoints(io: Io): string[] | undefined {
  const texts = (io.env['MINIO_ETCD_ENDPOINTS'] ?? '').split(',').map((text) => text.trim())
  const named = texts.filter((text) => text !== '')
  if (named.length === 0) return undefined
  if (named.length > maxEndpoints)
    throw serveError(
      'etcd-endpoints-invalid',
      `MINIO_ETCD_ENDPOINTS names more than ${maxEndpoints} endpoints`,
    )
  return named.map((text) => {
    // A text with an @ may hold a password.
    if (text.includes('@'))
      throw serveError(
        'etcd-endpoints-invalid',
        'MINIO_ETCD_ENDPOINTS must not hold a user name or password',
        {
          hint: 'set MINIO_ETCD_USERNAME and MINIO_ETCD_PASSWORD',
        },
      )
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/')
      throw serveError(
        'etcd-endpoints-invalid',
        `MINIO_ETCD_ENDPOINTS names ${JSON.stringify(text)}, which is no endpoint`,
        {
          hint: 'write http://HOST:2379, several separated by commas',
        },
      )
    return url.origin
  })
}

function readClientCertificate(io: Io): { cert?: string; key?: string } {
  const certFile = io.env['MINIO_ETCD_CLIENT_CERT'] ?? ''
  const keyFile = io.env['MINIO_ETCD_CLIENT_CERT_KEY'] ?? ''
  if (certFile === '' && keyFile === '') return {}
  if (certFile === '' || keyFile === '')
    throw serveError(
      'etcd-certificate-incomplete',
      'MINIO_ETCD_CLIENT_CERT and MINIO_ETCD_CLIENT_CERT_KEY belong together',
    )
  return readKeyPair(certFile, keyFile)
}

function readUser(io: Io): EtcdOptions['user'] {
  const name = io.env['MINIO_ETCD_USERNAME'] ?? ''
  const password = io.env['MINIO_ETCD_PASSWORD'] ?? ''
  if (name === '' && password === '') return undefined
  if (name === '' || password === '')
    throw serveError(
      'etcd-user-incomplete',
      'MINIO_ETCD_USERNAME and MINIO_ETCD_PASSWORD belong together: only one is set',
    )
  return { name, password }
}
