/**
 * URLs presigned with Signature Version 2: the default of boto3 and the AWS CLI for us-east-1 and a custom endpoint
 * (AWS, «Signing and authenticating REST requests», query string request authentication alternative).
 */
import { equalInConstantTime } from '../../base/constant-time.ts'
import { AwsError } from '../aws-error.ts'
import { hmac } from '../digest.ts'
import type { Query } from '../query.ts'
import { expiredRequest } from '../sigv4/verify-signature.ts'
import { listPathSpellings } from '../sigv4/path-spellings.ts'
import { readQuery, type SignedMessage } from '../sigv4/canonical-request.ts'

export interface PresignedV2 {
  readonly accessKeyId: string
  /** Expiry in seconds since the epoch, as signed. */
  readonly expires: string
  readonly signature: string
  readonly sessionToken: string | undefined
}

/** Parameters that select a sub-resource or headers of the answer, and so are signed (same page, «CanonicalizedResource»). */
const signedParameters = new Set([
  'acl',
  'accelerate',
  'analytics',
  'cors',
  'delete',
  'encryption',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'retention',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
])

/**
 * A value that reads like the next sub-resource too. Values are signed decoded, so that `uploadId=a&versionId=b` is the same text with one parameter
 * and with two: the holder of a URL could take one away.
 */
const swallowing = new RegExp(`&(?:${[...signedParameters].join('|')})(?:[=&]|$)`)

/** Sub-resources that are newer than this signature version: the holder of a URL could add one and change the operation. */
const neverSigned = new Set(
  `abac append attributes intelligent-tiering metadataConfiguration metadataTable ownershipControls policyStatus publicAccessBlock
  renameObject session`.split(/\s+/),
)

/** @returns The claimed signature, not yet verified; undefined when the query has none. */
export function parsePresignedV2(query: Query): PresignedV2 | undefined {
  const accessKeyId = query.get('AWSAccessKeyId')
  const signature = query.get('Signature')
  const expires = query.get('Expires')
  if (accessKeyId === undefined) return undefined
  if (signature === undefined || expires === undefined) {
    throw new AwsError(
      'AccessDenied',
      'a presigned URL needs AWSAccessKeyId, Signature and Expires',
    )
  }
  return { accessKeyId, signature, expires, sessionToken: query.get('x-amz-security-token') }
}

export interface VerifyV2Options {
  /** The bucket if the host contains it: in the signed text it precedes the path. */
  readonly hostBucket: string
  readonly nowMs: number
}

/**
 * Verifies a presigned URL. Parameters of lists (`prefix`, `list-type`) are not signed in this version, as in AWS; headers and everything
 * that selects the operation are.
 *
 * @throws {AwsError} `SignatureDoesNotMatch`; `AccessDenied` when the URL has expired, or has a sub-resource that this version does not sign.
 */
export function verifyPresignedV2(
  parsed: PresignedV2,
  message: SignedMessage,
  secretAccessKey: string,
  { hostBucket, nowMs }: VerifyV2Options,
): void {
  const isSigned = listPathSpellings(message.rawPath, hostBucket !== '').some((rawPath) => {
    const text = buildStringToSign(parsed, { ...message, rawPath }, hostBucket)
    const expected = hmac('sha1', secretAccessKey, text).toString('base64')
    return equalInConstantTime(expected, parsed.signature)
  })
  if (!isSigned) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'the request signature we calculated does not match the one you sent; check the secret key and what signs the request',
    )
  }
  const uncovered = readQuery(message).pairs.find(([name]) => neverSigned.has(name))?.[0]
  if (uncovered !== undefined) {
    const why = `a URL signed with Signature Version 2 does not cover ?${uncovered}`
    throw new AwsError('AccessDenied', `${why}; presign it with Version 4`)
  }
  const ambiguous = readQuery(message).pairs.find(
    ([name, value]) => signedParameters.has(name) && swallowing.test(value),
  )?.[0]
  if (ambiguous !== undefined) {
    const why = `the value of ${ambiguous} in a URL signed with Signature Version 2 could be two parameters`
    throw new AwsError('AccessDenied', `${why}; presign it with Version 4`)
  }
  if (!/^\d{1,12}$/.test(parsed.expires))
    throw new AwsError('AccessDenied', 'Expires must be a number of seconds since 1970')
  const expiresAtMs = Number(parsed.expires) * 1000
  if (nowMs > expiresAtMs) throw expiredRequest(expiresAtMs, nowMs)
}

function buildStringToSign(
  { expires }: PresignedV2,
  message: SignedMessage,
  hostBucket: string,
): string {
  const { method, headers, rawPath } = message
  const { pairs } = readQuery(message)
  // A session token, or any other header in the query, is signed like the header; header names are case-insensitive.
  const amz = [...headers, ...pairs]
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => name.startsWith('x-amz-'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim()}\n`)
  const resource = hostBucket === '' ? rawPath : `/${hostBucket}${rawPath}`
  const subResources = pairs
    .filter(([name]) => signedParameters.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&')
  const lines = [
    method,
    headers.get('content-md5') ?? '',
    headers.get('content-type') ?? '',
    expires,
    `${amz.join('')}${resource}${subResources === '' ? '' : `?${subResources}`}`,
  ]
  return lines.join('\n')
}
