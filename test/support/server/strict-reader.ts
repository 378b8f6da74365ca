/**
 * A second reading of the requests to an upstream S3: it reads a request as it is on the wire, by the S3 documentation only, and shares no
 * code with the gateway.
 */
import type { PooledRequest } from '../../../src/base/http/stream-pool.ts'

/** One permission that a policy must have granted. */
export interface Need {
  readonly action: string
  readonly bucket: string
  readonly key: string
}

/** @param endpoint The host name below which all buckets are. */
export function readNeeds(
  request: PooledRequest,
  endpoint: string,
  style: 'path' | 'virtual-host',
): Need[] {
  const host = new URL(request.origin).host
  const mark = request.path.indexOf('?')
  const rawPath = mark === -1 ? request.path : request.path.slice(0, mark)
  const names = mark === -1 ? [] : readNames(request.path.slice(mark + 1))
  if (!rawPath.startsWith('/')) throw new Error(`not a path: ${rawPath}`)
  const { bucket, key } =
    style === 'path' || host === endpoint
      ? readPathStyle(rawPath)
      : readHostStyle(host, endpoint, rawPath)
  if (style === 'virtual-host' && host === endpoint && rawPath !== '/')
    throw new Error(`a key of no bucket: ${rawPath}`)
  return readActions(request, { bucket, key, names })
}

function readPathStyle(rawPath: string): { bucket: string; key: string } {
  const [, bucket = '', ...rest] = rawPath.split('/')
  if (bucket === '' && rest.length > 0) throw new Error(`a key of no bucket: ${rawPath}`)
  return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(rest.join('/')) }
}

/** DNS and HTTP host names are not case-sensitive, and servers differ in reading capitals, so only a name without capitals is unambiguous. */
function readHostStyle(host: string, endpoint: string, rawPath: string): Omit<Need, 'action'> {
  const label = host.slice(0, -endpoint.length - 1)
  if (!host.endsWith(`.${endpoint}`) || !/^[a-z0-9-]+$/.test(label))
    throw new Error(`not one label: ${host}`)
  return { bucket: label, key: decodeURIComponent(rawPath.slice(1)) }
}

function readNames(query: string): string[] {
  return query.split('&').map((pair) => decodeURIComponent(pair.split('=')[0] ?? ''))
}

interface Target {
  readonly bucket: string
  readonly key: string
  readonly names: readonly string[]
}

function readActions(request: PooledRequest, { bucket, key, names }: Target): Need[] {
  const { method, headers } = request
  const has = (name: string): boolean => names.includes(name)
  const need = (action: string): Need => ({ action: `s3:${action}`, bucket, key })
  if (bucket === '') {
    if (method !== 'GET') throw new Error(`${method} of the service`)
    return [need('ListAllMyBuckets')]
  }
  const acl = ['x-amz-acl', 'x-amz-grant-read'].some((name) => name in headers)
  if (key === '') {
    const more = acl ? [need('PutBucketAcl')] : []
    if (has('acl')) return [need(method === 'GET' ? 'GetBucketAcl' : 'PutBucketAcl')]
    if (has('tagging'))
      return [need(method === 'GET' ? 'GetBucketTagging' : 'PutBucketTagging'), ...more]
    if (has('location')) return [need('GetBucketLocation')]
    if (has('uploads')) return [need('ListBucketMultipartUploads'), ...more]
    if (has('versions')) return [need('ListBucketVersions'), ...more]
    if (has('policy')) return [need(nameBucketPolicy(method)), ...more]
    if (has('delete')) return readDeleted(request, bucket)
    if (method === 'PUT') return [need('CreateBucket'), ...more]
    return [need(method === 'DELETE' ? 'DeleteBucket' : 'ListBucket'), ...more]
  }
  const version = has('versionId') ? 'Version' : ''
  const more = acl ? [need('PutObjectAcl')] : []
  if (headers['x-amz-tagging'] !== undefined) more.push(need('PutObjectTagging'))
  const verb = { GET: 'Get', HEAD: 'Get', PUT: 'Put', POST: 'Put', DELETE: 'Delete' }[method]
  if (has('acl')) return [need(`${verb}Object${version}Acl`)]
  if (has('tagging')) return [need(`${verb}Object${version}Tagging`), ...more]
  if (method === 'GET' && has('uploadId')) return [need('ListMultipartUploadParts'), ...more]
  if (method === 'DELETE' && has('uploadId')) return [need('AbortMultipartUpload'), ...more]
  const source = headers['x-amz-copy-source']
  if (source !== undefined) more.push(readSource(source))
  return [need(`${verb}Object${version}`), ...more]
}

function nameBucketPolicy(method: string): string {
  return method === 'GET'
    ? 'GetBucketPolicy'
    : method === 'PUT'
      ? 'PutBucketPolicy'
      : 'DeleteBucketPolicy'
}

function readSource(header: string): Need {
  const [path = '', version] = header.split('?versionId=')
  const [bucket = '', ...key] = path.replace(/^\//, '').split('/').map(decodeURIComponent)
  const action = version === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  return { action, bucket, key: key.join('/') }
}

function readDeleted({ body }: PooledRequest, bucket: string): Need[] {
  const text = Buffer.isBuffer(body) ? body.toString() : ''
  return [...text.matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, object = '']) => {
    const keys = [...object.matchAll(/<Key>([^<]*)<\/Key>/g)]
    if (keys.length !== 1) throw new Error(`not one key: ${object}`)
    const action = object.includes('<VersionId>') ? 's3:DeleteObjectVersion' : 's3:DeleteObject'
    return { action, bucket, key: readXmlText(keys[0]?.[1] ?? '') }
  })
}

/** Trims as a careless XML parser would, before it resolves references. */
function readXmlText(text: string): string {
  const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text
    .trim()
    .replaceAll(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) => {
      return code === undefined ? (names[name] ?? '') : String.fromCodePoint(Number(code))
    })
}

/** Returns the key that MinIO, or a server that stores objects in files, may make of a key. */
export function foldKey(key: string): string {
  const kept: string[] = []
  for (const segment of key.split('\0')[0]?.split('/') ?? []) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  return kept.join('/')
}
