/** The store of objects: a directory, or with `--gateway` another S3, as with `minio server DIR` and `minio gateway s3 [URL]`. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import type { DirectoryObjects } from '../../server/options/server-options.ts'
import type { GatewayObjects } from '../../server/s3/gateway/gateway-objects.ts'
import { readCa, serveError } from './variables.ts'
import { gatewayStyles } from '../options/option-choices.ts'
import { readChoice, type Settings } from '../options/settings.ts'

/** The upstream of MinIO's gateway when no address is given. */
const defaultUpstream = 'https://s3.amazonaws.com'

/**
 * Reads the directory or the gateway's upstream.
 *
 * @param root Undefined where no root credentials are set.
 * @throws {StsCliError} `ERR_USAGE` for flags that exclude each other or an operand that is not a URL, `ERR_CONFIG` for what a gateway lacks.
 */
export function readObjects(
  settings: Settings,
  io: Io,
  root: Credentials | undefined,
): DirectoryObjects | GatewayObjects {
  if (settings.has('gateway')) return readGateway(settings, io, root)
  for (const name of ['gateway-region', 'gateway-style', 'stateless'])
    if (settings.isFlag(name))
      throw serveError('gateway-flag-without-gateway', `--${name} is for --gateway alone`)
  return { kind: 'directory', directory: readOperand(settings), buckets: settings.list('bucket') }
}

function readGateway(settings: Settings, io: Io, root: Credentials | undefined): GatewayObjects {
  const url = readUpstream(readOperand(settings) ?? defaultUpstream)
  if (settings.list('bucket').length > 0)
    throw serveError('flags-conflict', '--bucket and --gateway cannot be used together', {
      hint: 'make the bucket at the upstream, or through the gateway once it runs',
    })
  if (root === undefined)
    throw new StsCliError('gateway-keys-missing', 'the gateway needs the keys of its upstream S3', {
      stage: 'serve',
      hint: 'set MINIO_ROOT_USER and MINIO_ROOT_PASSWORD to them; they are the root credentials here too',
    })
  requireSharing(settings, io)
  const style = readChoice(settings, 'gateway-style', gatewayStyles) ?? 'path'
  if (style === 'virtual-host' && /^\[|^[\d.]+$/.test(url.hostname))
    throw serveError(
      'gateway-style-impossible',
      '--gateway-style virtual-host needs an upstream with a name, not an address',
    )
  return {
    kind: 'gateway',
    url,
    region: readRegion(settings),
    style,
    ca: readCa(settings),
  }
}

/** Requires etcd or `--stateless`. MinIO's gateway served its STS with etcd only, where gateways share credentials; here it is a choice. */
function requireSharing(settings: Settings, io: Io): void {
  const hasEtcd = (io.env['MINIO_ETCD_ENDPOINTS'] ?? '') !== ''
  if (hasEtcd && settings.has('stateless'))
    throw serveError(
      'flags-conflict',
      '--stateless and MINIO_ETCD_ENDPOINTS cannot be used together',
    )
  if (hasEtcd || settings.has('stateless')) return
  throw new StsCliError('gateway-sharing-missing', 'the gateway needs etcd, or --stateless', {
    stage: 'serve',
    hint: 'set MINIO_ETCD_ENDPOINTS to share credentials with other gateways; with --stateless every gateway with the same root secret accepts them',
  })
}

/** Reads the upstream's URL; without a scheme it is https, as with MinIO. */
function readUpstream(text: string): URL {
  const full = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/'
  if (isOrigin && url.search === '' && url.hash === '' && !text.includes('@')) return url
  throw serveError(
    'upstream-invalid',
    // A text with an @ may hold a password.
    `the upstream${text.includes('@') ? '' : ` ${JSON.stringify(text)}`} is not the http or https address of an S3`,
    { hint: 'write https://HOST or http://HOST:PORT, without path, user name or password' },
  )
}

function readRegion(settings: Settings): string | undefined {
  const region = settings.get('gateway-region')
  if (region === undefined || /^[a-z0-9-]{1,64}$/i.test(region)) return region
  throw serveError(
    'region-invalid',
    `--gateway-region ${JSON.stringify(region)} is not a region's name`,
  )
}

function readOperand(settings: Settings): string | undefined {
  const [operand, ...more] = settings.operands
  if (more.length === 0) return operand
  const what = settings.has('gateway') ? 'one upstream' : 'one directory'
  throw serveError('operands-invalid', `serve takes ${what}`, {
    hint: 'a command to run comes after --: sts-cli serve DIR -- npm test',
  })
}
