/** Finds the operation of an S3 request, authorizes it and runs it; writes the document of a refusal. */
import { AwsError } from '../../protocol/aws-error.ts'
import { encodeS3Error } from '../../protocol/s3-wire.ts'
import { createHandler, toRefusal } from '../http/create-handler.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import { recordDecisions } from '../policy/record-decisions.ts'
import { describePrincipal } from '../sessions/describe-principal.ts'
import { admitAnonymous, hideFromAnonymous } from './request/anonymous-access.ts'
import { answerWhileWorking } from './request/answer-while-working.ts'
import { isUploadForm, postObject } from './post/post-object.ts'
import { type Address, readAddress, readHostBucket, serviceAddress } from './request/address.ts'
import { takeHoistedHeaders } from './request/hoisted-headers.ts'
import { requireKey } from './request/names.ts'
import { authorize } from './request/s3-operation.ts'
import { incompletePreflight } from './request/errors.ts'
import type { S3Services } from './request/s3-services.ts'

/** Sent in each error document. S3 clients print it; nothing reads it. */
const hostId = 'sts-cli'
/** Names this API in the log. */
const apiName = 'S3'

/** Returns the handler of all S3 requests. It never throws. */
export function createS3Handler(services: S3Services): HttpHandler {
  return createHandler({
    name: apiName,
    log: services.log,
    answer: async (request, recorder) => {
      const reply = await answer(request, recorder, services)
      return request.method === 'HEAD' ? withoutBody(reply) : reply
    },
    toReply: (refusal, request) => toReply(refusal, request, services),
  })
}

/** Authenticates, then authorizes, then reads the body: a request that is refused has not touched the store and uploaded nothing. */
async function answer(
  received: HttpRequest,
  recorder: RequestRecorder,
  services: S3Services,
): Promise<HttpReply> {
  const { authenticator, backend, region, domains } = services
  const hostBucket = readHostBucket(received.headers.get('host') ?? '', domains) ?? ''
  // A preflight was answered before (`withCors`): this one lacks what would make it one.
  if (received.method === 'OPTIONS') throw incompletePreflight(received.headers)
  const authentication = await authenticator.authenticate(received, {
    service: 's3',
    hostBucket,
    isAnyRegion: isAnyRegion(received, hostBucket),
  })
  const unsignedAddress = authentication.principal ? undefined : readAddress(received, domains)
  if (unsignedAddress !== undefined && isUploadForm(received, unsignedAddress))
    return postObject(received, recorder, services)
  const { principal, parsed, verified } =
    authentication.principal === undefined
      ? admitAnonymous(received, unsignedAddress?.bucket ?? '', backend)
      : authentication
  const { request, query } = takeHoistedHeaders(received)
  recorder.setCaller(describePrincipal(principal))
  const address = readAddress(request, domains)
  const operation = backend.findOperation(request.method, address, query, request.headers)
  recorder.setOperation(operation.name)
  if (address.bucket !== '') backend.requireBucketName(address.bucket)
  requireKey(address.key)
  const call = {
    bucket: address.bucket,
    key: address.key,
    request,
    query,
    recorder,
    authorizer: recordDecisions(services.authorizer, recorder),
    region,
    isBucketInHost: hostBucket !== '',
    principal,
    signature: parsed,
    seed: verified,
  }
  const made = await hideFromAnonymous(call, async () => {
    if (operation.action !== undefined) await authorize(call, operation.action)
    return operation.run(call)
  })
  if (!('work' in made)) return made
  return answerWhileWorking(made, {
    after: services.after,
    toRefusal: (error) => toRefusal(error, request, { name: apiName, log: services.log }),
    toDocument: (refusal) => encodeRefusal(refusal, request, services.domains),
  })
}

/**
 * Returns whether a request may be signed for any region, though the server has one: ListBuckets and GetBucketLocation, by which clients find
 * out regions (docs/wire.md §12.2).
 */
function isAnyRegion({ method, rawPath, query }: HttpRequest, hostBucket: string): boolean {
  if (method !== 'GET' || !(rawPath.length < 2 || query.has('location') || /^\/+$/.test(rawPath)))
    return false
  const names = rawPath.split('/').filter((part) => part !== '')
  const isService = hostBucket === '' && names.length === 0
  const isBucket = names.length === (hostBucket === '' ? 1 : 0)
  return isService || (isBucket && query.has('location'))
}

function toReply(refusal: AwsError, request: HttpRequest, services: S3Services): HttpReply {
  const headers = {
    'content-type': 'application/xml',
    ...describeRange(refusal),
    ...refusal.headers,
  }
  if (request.method === 'HEAD') return { status: refusal.status, headers }
  return {
    status: refusal.status,
    headers,
    body: encodeRefusal(refusal, request, services.domains),
  }
}

function encodeRefusal(
  refusal: AwsError,
  request: HttpRequest,
  domains: readonly string[],
): string {
  const { requestId } = request
  const { address, resource } = locate(request, domains)
  return encodeS3Error(nameAddress(refusal, address), { resource, requestId, hostId })
}

function withoutBody(reply: HttpReply): HttpReply {
  return { status: reply.status, ...(reply.headers ? { headers: reply.headers } : {}) }
}

/** Returns the object's length for a 416 (RFC 9110 §15.5.17). */
function describeRange({ code, details }: AwsError): Record<string, string> {
  const size = details['ActualObjectSize']
  return code === 'InvalidRange' && size !== undefined ? { 'content-range': `bytes */${size}` } : {}
}

/** Puts the key and the bucket first, as MinIO does. */
function nameAddress(refusal: AwsError, { bucket, key }: Address): AwsError {
  const named = { ...(key && { Key: key }), ...(bucket && { BucketName: bucket }) }
  const { code, status, message, details, sentence } = refusal
  return new AwsError(code, message, { status, sentence, details: { ...named, ...details } })
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
    return { address: serviceAddress, resource: request.rawPath }
  }
}
