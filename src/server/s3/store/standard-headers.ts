/** Headers that every operation accepts, and headers whose value must match this server's fixed behaviour. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { accountId } from '../../identity/account.ts'
import { isIdleFlag } from '../request/action-rules.ts'
import { requireCannedAcl, requireOwnersGrants } from '../request/canned-acl.ts'
import { algorithmOfHeader, startChecksum } from '../body/checksum.ts'
import type { Level } from '../request/match-route.ts'
import { findOwnership } from '../request/ownership.ts'

type Headers = ReadonlyMap<string, string>

/**
 * Headers of the signature, and headers without effect: there is nothing to pay for here, and the user agent is only logged. A proxy adds
 * `x-amz-cf-id`. AWS's SDK for C++ (pyarrow) sends `x-amz-api-version` with each request; S3 has only the version 2006-03-01.
 * Its SDK for Java sends `x-amz-te` with downloads, which asks for an MD5 after the body; S3 may leave it out.
 */
const anywhere: ReadonlySet<string> = new Set(
  `x-amz-api-version x-amz-cf-id x-amz-content-sha256 x-amz-date x-amz-request-payer x-amz-security-token x-amz-te
  x-amz-user-agent`.split(/\s+/),
)

/** The storage classes of S3 besides STANDARD: valid, but not supported. */
const otherClasses = new Set(
  `DEEP_ARCHIVE EXPRESS_ONEZONE FSX_ONTAP FSX_OPENZFS GLACIER GLACIER_IR INTELLIGENT_TIERING ONEZONE_IA OUTPOSTS REDUCED_REDUNDANCY SNOW
  STANDARD_IA`.split(/\s+/),
)

/** Header → the error of its value; undefined if the value matches this server's behaviour. */
const checks: Readonly<Record<string, (value: string, level: Level) => AwsError | undefined>> = {
  'x-amz-bucket-object-lock-enabled': (value) => {
    return /^(true|false)$/i.test(value)
      ? undefined
      : invalid('x-amz-bucket-object-lock-enabled must be true or false')
  },
  'x-amz-object-ownership': (value) => {
    if (findOwnership(value) !== undefined) return undefined
    return new AwsError(
      'InvalidArgument',
      `Invalid x-amz-object-ownership header: ${value.slice(0, 100)}`,
      {
        details: {
          ArgumentName: 'x-amz-object-ownership',
          ArgumentValue: value.slice(0, 100),
        },
      },
    )
  },
  'x-amz-storage-class': (value) => {
    if (value === 'STANDARD') return undefined
    if (otherClasses.has(value)) return notImplemented('x-amz-storage-class', value)
    const message = 'The storage class you specified is not valid'
    return new AwsError('InvalidStorageClass', `${message}; use STANDARD`, { status: 400 })
  },
  'x-amz-checksum-mode': (value) => {
    return value.toUpperCase() === 'ENABLED'
      ? undefined
      : invalid('x-amz-checksum-mode must be ENABLED')
  },
  'x-amz-optional-object-attributes': (value) => {
    return value.split(',').every((name) => name.trim() === 'RestoreStatus')
      ? undefined
      : invalid('x-amz-optional-object-attributes must be RestoreStatus')
  },
  'x-amz-request-payer': (value) => {
    return value === 'requester' ? undefined : invalid('x-amz-request-payer must be requester')
  },
  'x-amz-expected-bucket-owner': checkOwner,
  'x-amz-source-expected-bucket-owner': checkOwner,
}

const checkList = Object.entries(checks)

/** Returns whether a header may come with any operation on this level. */
export function isReadAnywhere(name: string, level: Level): boolean {
  return anywhere.has(name) || (name === 'x-amz-expected-bucket-owner' && level !== 'service')
}

/**
 * Returns whether a header says only what is true anyway where the operation does not read it, as S3 ignores it there: the checksum of an
 * empty body, which AWS's SDK for Java sends with each part of a download; and that metadata and tags are not a source's, which s3fs-fuse
 * sends when it begins an upload.
 */
export function isTrueAnyway(name: string, value: string): boolean {
  if (name === 'x-amz-metadata-directive' || name === 'x-amz-tagging-directive')
    return value === 'REPLACE'
  const algorithm = algorithmOfHeader(name)
  return algorithm !== undefined && value === startChecksum(algorithm).digest().toString('base64')
}

/**
 * Returns the headers that have an effect. An ACL or a lock with the default value needs no permission, and clients send them with every
 * upload.
 */
export function findEffectiveHeaders(headers: Headers): string[] {
  return [...headers]
    .filter(([name, value]) => name !== 'x-amz-acl' && !isIdleFlag(name, value))
    .map(([name]) => name)
}

/**
 * Refuses a header whose value this server would not follow.
 *
 * @throws {AwsError} `NotImplemented`, `InvalidStorageClass`, `InvalidArgument`, `AccessControlListNotSupported`; `AccessDenied` if the bucket has another owner
 *   (AWS, "Verifying bucket ownership with bucket owner condition").
 */
export function requireStandardValues(headers: Headers, level: Level): void {
  // Web frameworks send a canned ACL with each upload. Only policies give access here, so it has no effect, as at MinIO; `public-read` too.
  requireCannedAcl(headers.get('x-amz-acl') ?? 'private')
  requireOwnersGrants(headers)
  for (const [name, check] of checkList) {
    const value = headers.get(name)
    const error = value === undefined ? undefined : check(value, level)
    if (error !== undefined) throw error
  }
}

function checkOwner(value: string): AwsError | undefined {
  if (value === accountId) return undefined
  return new AwsError('AccessDenied', `the bucket's owner is the account ${accountId}`)
}

function notImplemented(name: string, value: string): AwsError {
  return new AwsError('NotImplemented', `${name}: ${value.slice(0, 100)} is not supported`)
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidArgument', message)
}
