/** Whether a bucket policy is public (Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public"). */
import { isIP } from 'node:net'
import type { BucketPolicy, BucketStatement } from './bucket-policy.ts'
import type { Condition } from './conditions.ts'

/** Keys whose fixed values name somebody, so that a statement with one of them is not for everybody. */
const fixingKeys: ReadonlySet<string> = new Set(
  `aws:principalaccount aws:principalarn aws:principalorgid aws:principalorgpaths aws:sourceaccount aws:sourcearn aws:sourceorgid
  aws:sourceowner aws:sourcevpc aws:sourcevpce aws:userid s3:dataaccesspointaccount s3:dataaccesspointarn
  s3:x-amz-server-side-encryption-aws-kms-key-id`.split(/\s+/),
)

/** The widest networks that still name somebody, by AWS: all broader ones are public. */
const minPrefixBits = { 4: 8, 6: 32 } as const

/**
 * Returns whether a policy gives something to everybody. A statement does unless a condition limits it to fixed values, without wildcards and
 * variables, of a key that says who or from where the caller is.
 */
export function isPublicPolicy({ statements }: BucketPolicy): boolean {
  return statements.some(isPublicStatement)
}

function isPublicStatement({ effect, principal, conditions }: BucketStatement): boolean {
  return effect === 'Allow' && principal.isAnyone && !conditions.some(isFixing)
}

/** A negated operator limits nothing, and neither does one that holds for a request without the key. */
function isFixing(condition: Condition): boolean {
  const { key, values, isNegated, isNull, isIfExists, quantifier } = condition
  if (isNegated || isNull || isIfExists || quantifier === 'all') return false
  const lower = key.toLowerCase()
  if (lower === 'aws:sourceip') return values.every(isNarrowNetwork)
  if (!fixingKeys.has(lower)) return false
  return values.every((value) => isFixedValue(lower, value))
}

/** `AROLEID:*` are all sessions of one role, which AWS counts as public. */
function isFixedValue(key: string, value: string): boolean {
  if (value === '' || value.includes('${')) return false
  // An ARN of AWS's may have a wildcard in its last parts; here each must be whole.
  return !/[*?]/.test(value) && !(key === 'aws:userid' && value.endsWith(':'))
}

/** Private networks are narrow too (RFC 1918): `10.0.0.0/8` has eight bits. */
function isNarrowNetwork(value: string): boolean {
  const [address = '', bits] = value.split('/')
  const family = isIP(address)
  if (family !== 4 && family !== 6) return false
  const isMapped = family === 6 && /^::ffff:\d/i.test(address)
  if (bits === undefined) return true
  return Number(bits) >= (isMapped ? 96 + minPrefixBits[4] : minPrefixBits[family])
}
