import { AwsError } from '../../protocol/aws-error.ts'
import { toTagClaims, type SessionTags } from '../identity/session-tags.ts'
import type { SessionParameters } from './session-parameters.ts'

/**
 * The room for a session policy, the names of policies and tags in a session token, in bytes: with the rest of the token they must fit into a header of
 * 8 KiB. AWS has a limit as well, whose size it does not tell (AWS STS API, PackedPolicySize).
 */
const maxBytes = 4400

/**
 * Returns how much of the room for policies and tags a session takes, in percent; undefined for a session without either, as at AWS.
 *
 * @throws {AwsError} `PackedPolicyTooLarge`.
 */
export function measurePacked(
  { sessionPolicy, sessionPolicyNames }: SessionParameters,
  tags: SessionTags,
): number | undefined {
  if (sessionPolicy === undefined && sessionPolicyNames === undefined && tags.values.size === 0)
    return undefined
  // The policy is in the token as base64 within base64.
  const policyBytes = (Buffer.byteLength(sessionPolicy ?? '') * 4) / 3
  const otherBytes = Buffer.byteLength(JSON.stringify([toTagClaims(tags), sessionPolicyNames]))
  const percent = Math.ceil(((policyBytes + otherBytes) / maxBytes) * 100)
  if (percent > 100)
    throw new AwsError(
      'PackedPolicyTooLarge',
      `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
    )
  return percent
}
