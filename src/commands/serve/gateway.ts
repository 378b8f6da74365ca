/** Where objects lie: a directory, or with `--gateway` another S3, as `minio server DIR` and `minio gateway s3 [URL]`. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import type { DirectoryObjects } from '../../server/options/server-options.ts'
import type { GatewayObjects } from '../../server/s3/gateway/gateway-objects.ts'
import { readCa } from './variables.ts'
import { readChoice, type Settings } from '../options/settings.ts'

/** Where MinIO's gateway went without an address. */
const defaultUpstream = 'https://s3.amazonaws.com'

/** How buckets are named to the upstream. */
export const gatewayStyles = ['path', 'virtual-host'] as const

/**
 * @param root Undefined where nobody gave the root credentials.
 * @throws {StsCliError} `ERR_USAGE` for flags that cannot meet or an operand that is no URL, `ERR_CONFIG` for what a gateway lacks.
 */
export function readObjects(
  settings: Settings,
  io: Io,
  root: Credentials | undefined,
): DirectoryObjects | GatewayObjects {
  if (settings.has('gateway')) return readGateway(settings, io, root)
  for (const name of ['gateway-region', 'gateway-style', 'stateless'])
    if (settings.isFlag(name)) throw refuseUse(`--${name} is for --gateway alone`)
  return { kind: 'directory', directory: readOperand(settings), buckets: settings.list('bucket') }
}

function readGateway(settings: Settings, io: Io, root: Credentials | undefined): GatewayObjects {
  const url = readUpstream(readOperand(settings) ?? defaultUpstream)
  if (settings.list('bucket').length > 0)
    throw refuseUse('--bucket and --gateway cannot be used together', {
      hint: 'make the bucket at the upstream, or through the gateway once it runs',
    })
  if (root === undefined)
    throw new StsCliError('ERR_CONFIG', 'the gateway needs the keys of its upstream S3', {
      stage: 'serve',
      hint: 'set MINIO_ROOT_USER and MINIO_ROOT_PASSWORD to them; they are the root credentials here too',
    })
  requireSharing(settings, io)
  const style = readChoice(settings, 'gateway-style', gatewayStyles) ?? 'path'
  if (style === 'virtual-host' && /^\[|^[\d.]+$/.test(url.hostname))
    throw refuseUse('--gateway-style virtual-host needs an upstream with a name, not an address')
  return {
    kind: 'gateway',
    url,
    region: readRegion(settings),
    style,
    ca: readCa(settings),
  }
}

/** MinIO's gateway served its STS with etcd alone, where gateways shared what they issued. Here that is a choice, and must be made. */
function requireSharing(settings: Settings, io: Io): void {
  const hasEtcd = (io.env['MINIO_ETCD_ENDPOINTS'] ?? '') !== ''
  if (hasEtcd && settings.has('stateless'))
    throw refuseUse('--stateless and MINIO_ETCD_ENDPOINTS cannot be used together')
  if (hasEtcd || settings.has('stateless')) return
  throw new StsCliError('ERR_CONFIG', 'the gateway needs etcd, or --stateless', {
    stage: 'serve',
    hint: 'set MINIO_ETCD_ENDPOINTS to share credentials with other gateways; with --stateless every gateway with the same root secret accepts them',
  })
}

/** Without a scheme, https, as at MinIO. */
function readUpstream(text: string): URL {
  const full = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/'
  if (isOrigin && url.search === '' && url.hash === '' && !text.includes('@')) return url
  throw refuseUse(
    // What holds an @ may hold a password before it.
    `the upstream${text.includes('@') ? '' : ` ${JSON.stringify(text)}`} is not the http or https address of an S3`,
    { hint: 'write https://HOST or http://HOST:PORT, without path, user name or password' },
  )
}

function readRegion(settings: Settings): string | undefined {
  const region = settings.get('gateway-region')
  if (region === undefined || /^[a-z0-9-]{1,64}$/i.test(region)) return region
  throw refuseUse(`--gateway-region ${JSON.stringify(region)} is not a region's name`)
}

function readOperand(settings: Settings): string | undefined {
  const [operand, ...more] = settings.operands
  if (more.length === 0) return operand
  const what = settings.has('gateway') ? 'one upstream' : 'one directory'
  throw refuseUse(`serve takes ${what}`, {
    hint: 'a command to run comes after --: sts-cli serve DIR -- npm test',
  })
}

function refuseUse(message: string, { hint }: { hint?: string } = {}): StsCliError {
  return new StsCliError('ERR_USAGE', message, { stage: 'serve', hint })
}
