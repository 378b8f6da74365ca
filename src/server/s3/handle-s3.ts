/** Method, path and query → operation → reply. The only place where an S3 refusal becomes a status and a document. */
import type { Log } from '../../base/log.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { encodeS3Error } from '../../protocol/s3-wire.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import type { RequestAuthenticator } from '../identity/request-authenticator.ts'
import type { Authorizer } from '../policy/authorizer.ts'
import { readAddress, readHostBucket, type Address } from './request/address.ts'
import { takeHoistedHeaders } from './request/hoisted-headers.ts'
import { requireKey } from './request/names.ts'
import { isUploadForm, postObject } from './post/post-object.ts'
import { authorize, type S3Backend } from './request/s3-operation.ts'

export interface S3Services {
  readonly authenticator: RequestAuthenticator
  readonly authorizer: Authorizer
  readonly backend: S3Backend
  readonly region: string
  /** Host names under which a first label is a bucket; `*.localhost` always is. */
  readonly domains: readonly string[]
  readonly log: Log
}

/** In each error document; S3 clients print it, nothing reads it. */
const hostId = 'sts-cli'

/** Makes the handler of all S3 requests. */
export function createS3Handler(services: S3Services): HttpHandler {
  return async (request) => {
    try {
      const reply = await answer(request, services)
      return request.method === 'HEAD' ? withoutBody(reply) : reply
    } catch (error) {
      return refuse(error, request, services)
    }
  }
}

/** Who, then whether, then the body: a request that is refused has cost no look at the store and no upload. */
async function answer(received: HttpRequest, services: S3Services): Promise<HttpReply> {
  const { authenticator, authorizer, backend, region, domains } = services
  const hostBucket = readHostBucket(received.headers.get('host') ?? '', domains) ?? ''
  const authentication = await authenticator.authenticate(received, { service: 's3', hostBucket })
  if (!authentication.principal) {
    if (isUploadForm(received, readAddress(received, domains)))
      return postObject(received, services)
    throw new AwsError('AccessDenied', 'the request is not signed; anonymous access is not offered')
  }
  const { principal, parsed, verified } = authentication
  const { request, query } = takeHoistedHeaders(received)
  request.log['principal'] = principal.kind === 'root' ? 'root' : principal.subject
  const address = readAddress(request, domains)
  const operation = backend.findOperation(request.method, address, query, request.headers)
  request.log['operation'] = operation.name
  if (address.bucket !== '') backend.requireBucketName(address.bucket)
  requireKey(address.key)
  const call = {
    ...address,
    request,
    query,
    authorizer,
    region,
    principal,
    signature: parsed,
    seed: verified,
  }
  if (operation.action !== undefined) await authorize(call, operation.action)
  return operation.run(call)
}

function refuse(error: unknown, request: HttpRequest, services: S3Services): HttpReply {
  const refusal =
    error instanceof AwsError ? error : new AwsError('InternalError', 'internal error')
  if (!(error instanceof AwsError)) {
    services.log.error({ requestId: request.requestId, err: error }, 'S3 request failed')
  }
  request.log['error'] = refusal.code
  request.log['reason'] = refusal.message
  const headers = {
    'content-type': 'application/xml',
    ...describeRange(refusal),
    ...refusal.headers,
  }
  if (request.method === 'HEAD') return { status: refusal.status, headers }
  const { requestId } = request
  const { address, resource } = locate(request, services.domains)
  const named = nameAddress(refusal, address)
  return {
    status: refusal.status,
    headers,
    body: encodeS3Error(named, { resource, requestId, hostId }),
  }
}

function withoutBody(reply: HttpReply): HttpReply {
  return { status: reply.status, ...(reply.headers ? { headers: reply.headers } : {}) }
}

/** A 416 says how long the object is (RFC 9110 §15.5.17). */
function describeRange({ code, details }: AwsError): Record<string, string> {
  const size = details['ActualObjectSize']
  return code === 'InvalidRange' && size !== undefined ? { 'content-range': `bytes */${size}` } : {}
}

/** Key and bucket come first, as at MinIO. */
function nameAddress(refusal: AwsError, { bucket, key }: Address): AwsError {
  const named = { ...(key && { Key: key }), ...(bucket && { BucketName: bucket }) }
  const { code, status, message, details } = refusal
  return new AwsError(code, message, { status, details: { ...named, ...details } })
}

function locate(
  request: HttpRequest,
  domains: readonly string[],
): { address: Address; resource: string } {
  try {
    const address = readAddress(request, domains)
    return { address, resource: `/${address.bucket}${address.key && `/${address.key}`}` }
  } catch {
    // the path is what was refused
    return { address: { bucket: '', key: '' }, resource: request.rawPath }
  }
}
