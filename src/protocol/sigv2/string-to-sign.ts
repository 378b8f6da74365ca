/** What Signature Version 2 signs, in a header or in a query (AWS, «Signing and authenticating REST requests»). */
import { equalInConstantTime } from '../../base/constant-time.ts'
import { AwsError } from '../aws-error.ts'
import { hmac } from '../digest.ts'
import { readQuery, type SignedMessage } from '../sigv4/canonical-request.ts'
import { listPathSpellings } from '../sigv4/path-spellings.ts'

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

export interface SignedTextOptions {
  readonly secretAccessKey: string
  /** The bucket if the host contains it: in the signed text it precedes the path. */
  readonly hostBucket: string
  /** The line of the date: `Expires` of a presigned URL, `Date` of a header; empty if `x-amz-date` has it. */
  readonly date: string
}

/**
 * Verifies a signature. Parameters of lists (`prefix`, `list-type`) are not signed in this version, as in AWS; headers and everything that
 * selects the operation are.
 *
 * @throws {AwsError} `SignatureDoesNotMatch`; `AccessDenied` for a sub-resource that this version does not sign.
 */
export function verifySignatureV2(
  message: SignedMessage,
  { signature }: { readonly signature: string },
  { secretAccessKey, hostBucket, date }: SignedTextOptions,
): void {
  const isSigned = listPathSpellings(message.rawPath, hostBucket !== '').some((rawPath) => {
    const text = buildStringToSign({ ...message, rawPath }, hostBucket, date)
    const expected = hmac('sha1', secretAccessKey, text).toString('base64')
    return equalInConstantTime(expected, signature)
  })
  if (!isSigned) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'the request signature we calculated does not match the one you sent; check the secret key and what signs the request',
    )
  }
  const { pairs } = readQuery(message)
  const uncovered = pairs.find(([name]) => neverSigned.has(name))?.[0]
  if (uncovered !== undefined) {
    const why = `a request signed with Signature Version 2 does not cover ?${uncovered}`
    throw new AwsError('AccessDenied', `${why}; sign it with Version 4`)
  }
  const ambiguous = pairs.find(
    ([name, value]) => signedParameters.has(name) && swallowing.test(value),
  )?.[0]
  if (ambiguous === undefined) return
  const why = `the value of ${ambiguous} in a request signed with Signature Version 2 could be two parameters`
  throw new AwsError('AccessDenied', `${why}; sign it with Version 4`)
}

/** Returns the text whose HMAC-SHA1 is the signature. */
export function buildStringToSign(
  message: SignedMessage,
  hostBucket: string,
  date: string,
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
    date,
    `${amz.join('')}${resource}${subResources === '' ? '' : `?${subResources}`}`,
  ]
  return lines.join('\n')
}
