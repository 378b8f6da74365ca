/**
 * Recognises the requests of the login of AWS's own tools: AWS Sign-In (`aws login`), and IAM Identity Center's `sso-oidc` and `sso` (`aws sso login`).
 * Their paths are also those of buckets and objects, such as `/token` and `/v1/token`. So a path alone decides nothing: an unsigned request with a
 * mark that no S3 request has does.
 */
import type { HttpRequest } from './http-message.ts'

/** Where our own pages of the login are; no bucket can be named `minio`. */
export const loginPagesPath = '/minio/aws-login/'

type Recognise = (request: HttpRequest) => boolean

/** S3 posts forms, XML, or nothing, and names what it wants in the query. */
const isJsonPost: Recognise = ({ method, query, headers }) =>
  method === 'POST' &&
  query.pairs.length === 0 &&
  /^application\/(?:x-amz-json-1\.[01]|json)\b/i.test(headers.get('content-type') ?? '')

/** A question of OAuth 2.0 for a code (RFC 6749 §4.1.1), with the challenge of PKCE. */
const isAuthorization: Recognise = ({ method, query }) =>
  method === 'GET' && query.has('response_type') && query.has('client_id')

const hasBearer: Recognise = ({ headers }) => headers.has('x-amz-sso_bearer_token')

const recognisers: ReadonlyMap<string, Recognise> = new Map<string, Recognise>([
  ['/v1/authorize', isAuthorization],
  ['/v1/token', (request) => isJsonPost(request) && request.headers.has('dpop')],
  ['/authorize', isAuthorization],
  ['/client/register', isJsonPost],
  ['/device_authorization', isJsonPost],
  ['/token', isJsonPost],
  ['/federation/credentials', (request) => request.method === 'GET' && hasBearer(request)],
  ['/assignment/accounts', (request) => request.method === 'GET' && hasBearer(request)],
  ['/assignment/roles', (request) => request.method === 'GET' && hasBearer(request)],
  ['/logout', (request) => request.method === 'POST' && hasBearer(request)],
])

/** Returns whether a request is for the login of AWS's tools, or for one of its pages. A signed request never is. */
export function isAwsLoginRequest(request: HttpRequest): boolean {
  const recognise = recognisers.get(request.rawPath)
  if (recognise === undefined) return request.rawPath.startsWith(loginPagesPath)
  return (
    !request.headers.has('authorization') &&
    !request.query.has('X-Amz-Signature') &&
    !request.query.has('Signature') &&
    recognise(request)
  )
}
