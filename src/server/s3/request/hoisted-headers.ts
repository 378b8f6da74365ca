/** Headers in the query: presigned URLs have `x-amz-` headers as parameters. They become headers before routing and authorization. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { createQuery, emptyQuery, type Query, type QueryPair } from '../../../protocol/query.ts'
import type { HttpRequest } from '../../http/http-message.ts'
import { checksumAlgorithms, checksumHeader, emptyChecksum } from '../body/checksum.ts'

/** Parameters of the signature, in the spelling that each form reads. */
const signatureParameters = {
  header: new Set(['X-Amz-Security-Token']),
  v4: new Set(
    `X-Amz-Algorithm X-Amz-Content-Sha256 X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-Security-Token X-Amz-Signature
    X-Amz-SignedHeaders`.split(/\s+/),
  ),
  v2: new Set(['AWSAccessKeyId', 'Expires', 'Signature', 'x-amz-security-token']),
}

const namesOfSignature = new Set([...signatureParameters.v4].map((name) => name.toLowerCase()))

/** boto3 adds these to URLs of version 2 too, whose signature covers the headers of these names, but not the parameters. */
const namedTwice = new Set(['content-md5', 'content-type'])

const announcedChecksum = 'x-amz-sdk-checksum-algorithm'

/** The headers of checksums, each with its algorithm. */
const checksumHeaders = checksumAlgorithms.map((algorithm) => {
  return [checksumHeader(algorithm), algorithm] as const
})

/** A request as it is routed and authorized. */
export interface ReadableRequest {
  /** The request with the headers from its query. */
  readonly request: HttpRequest
  /** The query without these headers, the signature and `x-id`, which SDKs add for their own logs. */
  readonly query: Query
}

/**
 * Turns `x-amz-` parameters into headers (AWS, "Authenticating Requests: Using Query Parameters": S3 accepts such headers
 * in the query of a presigned URL). In a request that is signed in its headers they count too, because its signature covers the query, and
 * none of them may be ignored. Called after the signature was verified, because it was computed over the original query.
 *
 * @throws {AwsError} `InvalidArgument` for ambiguous input: a repeated name, or a name in the query and with another value as a header; a
 *   part of a signature that this form does not read; a name or value that is not valid in a header; escapes that are not UTF-8.
 */
export function takeHoistedHeaders(request: HttpRequest): ReadableRequest {
  if (request.rawQuery === '') return { request, query: emptyQuery }
  requirePlainQuery(request.query)
  const form = findForm(request)
  const hoisted = new Map<string, string>()
  const others: QueryPair[] = []
  for (const [name, value] of request.query.pairs) {
    if (signatureParameters[form].has(name) || name === 'x-id') continue
    if (form === 'v2' && namedTwice.has(name)) requireHeader(request.headers, name, value)
    else if (name.toLowerCase().startsWith('x-amz-')) addHeader(hoisted, name, value)
    else others.push([name, value])
  }
  if (form === 'v4') removeEmptyBodyChecksum(hoisted, request.headers)
  const query = createQuery(others)
  if (hoisted.size === 0) return { request, query }
  const headers = new Map(request.headers)
  for (const [name, value] of hoisted) {
    if ((headers.get(name) ?? value) !== value)
      throw invalid(`${name} is in the query and, with another value, in the headers`)
    headers.set(name, value)
  }
  return { request: { ...request, headers }, query }
}

/** Refuses ambiguous parameters, which two readers could read in two ways. */
function requirePlainQuery({ pairs, isWellFormed }: Query): void {
  const names = new Set<string>()
  const [twice] = pairs.find(([name]) => names.size === names.add(name).size) ?? []
  if (twice !== undefined) throw invalid(`the query has ${twice.slice(0, 100)} twice`)
  if (!isWellFormed) throw invalid('the query is not percent-encoded UTF-8')
}

/** Returns the form of the signature, in the order in which the authenticator looks for one. */
function findForm({ headers, query }: HttpRequest): keyof typeof signatureParameters {
  if (headers.has('authorization')) return 'header'
  return query.has('X-Amz-Signature') ? 'v4' : 'v2'
}

function requireHeader(headers: HttpRequest['headers'], name: string, value: string): void {
  if (headers.get(name) !== value)
    throw invalid(`the query names a ${name}; the request must have it as a header`)
}

function addHeader(hoisted: Map<string, string>, given: string, value: string): void {
  const name = given.toLowerCase()
  // An expiry or a hash that looks effective, but is not.
  if (namesOfSignature.has(name))
    throw invalid(`the query parameter ${given} has no meaning in a request that is signed so`)
  if (hoisted.has(name)) throw invalid(`the query has ${name.slice(0, 100)} twice`)
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || !/^[\t\u0020-\u007e]*$/.test(value))
    throw invalid(`${name.slice(0, 100)} in the query has characters that no header can hold`)
  hoisted.set(name, value.trim())
}

/**
 * Removes the checksum of an empty body: SDKs presign an upload without its body and add that checksum, which is not about the later body.
 * Any other checksum is a promise of the signer, and is compared with the body.
 */
function removeEmptyBodyChecksum(
  hoisted: Map<string, string>,
  headers: ReadonlyMap<string, string>,
): void {
  if (hoisted.size === 0) return
  for (const [name, algorithm] of checksumHeaders) {
    const value = hoisted.get(name)
    // Computed only for a header that is there: some algorithms are compiled at their first use.
    if (value !== undefined && value === emptyChecksum(algorithm)) hoisted.delete(name)
  }
  if (!checksumHeaders.some(([name]) => hoisted.has(name) || headers.has(name)))
    hoisted.delete(announcedChecksum)
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidArgument', message)
}
