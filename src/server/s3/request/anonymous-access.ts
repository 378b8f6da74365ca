/**
 * Requests that are not signed. The policy of the bucket decides about them, and nothing else (Amazon S3 User Guide, "How Amazon S3 authorizes a
 * request"). What is refused looks the same for buckets and keys that exist and for those that do not.
 */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requirePayloadHash } from '../../../protocol/sigv4/payload-hash.ts'
import type { HttpReply, HttpRequest } from '../../http/http-message.ts'
import { anonymousPrincipal } from '../../identity/anonymous.ts'
import type { Principal } from '../../sessions/principal.ts'
import { isOpenPolicy } from '../../policy/evaluate-bucket-policy.ts'
import { isBucketName } from './names.ts'
import { decide, type S3Backend, type S3Request } from './s3-operation.ts'
import { responseOverrides } from './match-route.ts'

/** An anonymous caller, with what a signature would say about the body. */
export interface AnonymousAuthentication {
  readonly principal: Principal
  readonly parsed: { readonly payloadHash: string }
  readonly verified: undefined
}

/** Headers, parameters and fields of signatures. What has one of them is signed badly, and not unsigned. */
const signatureNames =
  /^(?:x-amz-(?:algorithm|credential|date|expires|security-token|signature|signedheaders)|authorization|awsaccesskeyid|expires|policy|signature)$/i

/** The error of all that is refused to a caller who did not sign. */
export function anonymousDenial(): AwsError {
  return new AwsError(
    'AccessDenied',
    'the request is not signed, and no bucket policy allows it without',
  )
}

/**
 * Admits an unsigned request about a bucket whose policy gives something to everybody; what it is, is decided later.
 *
 * @throws {AwsError} `AccessDenied` for every other bucket, and for the service; `InvalidRequest` for headers of the answer that only a signed request
 *   may choose.
 */
export function admitAnonymous(
  { headers, query }: Pick<HttpRequest, 'headers' | 'query'>,
  bucket: string,
  backend: S3Backend,
): AnonymousAuthentication {
  requireOpenBucket(bucket, backend)
  // The header of a date says nothing about a signature: some clients send it with each request.
  const isBadlySigned =
    query.pairs.some(([name]) => signatureNames.test(name) && name !== 'policy') ||
    headers.has('x-amz-security-token') ||
    headers.has('authorization')
  const payloadHash = headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD'
  if (isBadlySigned || payloadHash.startsWith('STREAMING-AWS4-')) throw anonymousDenial()
  requirePayloadHash(payloadHash)
  // A page on this origin could be made of any object otherwise (AWS, "GetObject", Overriding response header values).
  if (responseOverrides.some((name) => query.has(name)))
    throw new AwsError(
      'InvalidRequest',
      'Request specific response headers cannot be used for anonymous GET requests.',
    )
  return { principal: anonymousPrincipal, parsed: { payloadHash }, verified: undefined }
}

/** Admits an unsigned upload form. @param fields Its values by lower-case name. @throws {AwsError} As `admitAnonymous`. */
export function admitAnonymousForm(
  fields: ReadonlyMap<string, string>,
  bucket: string,
  backend: S3Backend,
): Principal {
  requireOpenBucket(bucket, backend)
  const isBadlySigned = [...fields.keys()].some((name) => {
    return signatureNames.test(name) && name !== 'expires'
  })
  if (isBadlySigned) throw anonymousDenial()
  return anonymousPrincipal
}

/** Requires a bucket whose policy gives something to callers who did not sign. */
function requireOpenBucket(bucket: string, backend: S3Backend): void {
  const applied = isBucketName(bucket) ? backend.findBucketPolicy?.(bucket) : undefined
  if (applied === undefined || !isOpenPolicy(applied)) throw anonymousDenial()
}

/**
 * Runs a request and hides from a caller who did not sign why it is refused, and whether a key exists that the caller may not list (AWS, "GetObject":
 * without ListBucket a missing key is `AccessDenied`).
 */
export async function hideFromAnonymous<Made extends HttpReply | object>(
  call: S3Request,
  run: () => Promise<Made>,
): Promise<Made> {
  if (call.principal.kind !== 'anonymous') return run()
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    if (error.code === 'AccessDenied') throw anonymousDenial()
    const isOfMarker = Object.hasOwn(error.headers, 'x-amz-delete-marker')
    const isOfKey = error.code === 'NoSuchKey' || error.code === 'NoSuchVersion'
    if (!isOfKey && !isOfMarker) throw error
    // The key that is missing may be in the bucket of a copy's source.
    if (call.request.headers.has('x-amz-copy-source')) throw anonymousDenial()
    const isOfVersion = call.query.has('versionId')
    const list = isOfVersion ? 's3:ListBucketVersions' : 's3:ListBucket'
    const { isAllowed } = await decide(call, list, { bucket: call.bucket, key: '' })
    throw isAllowed ? error : anonymousDenial()
  }
}
