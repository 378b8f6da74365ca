/** The ARNs by which a bucket policy names a principal of this server (IAM User Guide, "AWS JSON policy elements: Principal"). */
import { readString } from '../../base/parse.ts'
import type { Principal } from '../sessions/principal.ts'
import { accountId } from './account.ts'
import { nameAssumedRole } from './assumed-role.ts'
import { readFederatedUser } from './federated-user.ts'

export interface PrincipalNames {
  /** The role of a session, or the user of a session without a role, or the account: AWS's `aws:PrincipalArn`. Undefined for nobody. */
  readonly arn: string | undefined
  /** The names of the session's role or user, in the form of `toCanonicalArn`. Only the server and the identity provider choose them. */
  readonly identityArns: readonly string[]
  /** The session's own ARN, if a caller could not have chosen the role's part and the session's part of it freely. */
  readonly sessionArn: string | undefined
  /**
   * All names by which the session is known, also those that its caller may have chosen. A Deny counts for each of them, and an Allow for none of those
   * that are only here.
   */
  readonly allArns: readonly string[]
}

const localPrefix = `arn:aws:iam::${accountId}:`
const accountArn = `arn:aws:iam::${accountId}:root`

/**
 * Returns the names of a principal.
 *
 * A session with a role is named as at AWS: by the role's ARN, and by `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, where the role's trust decides who
 * may take a session name. A session without a role has its policies from a claim, and its caller may choose any RoleSessionName: such a name gives no
 * access. It is the user `arn:aws:iam::ACCOUNT:user/SUBJECT`, and SUBJECT is the identity provider's.
 */
export function listPrincipalNames(principal: Principal): PrincipalNames {
  const { kind, subject, claims } = principal
  if (kind === 'anonymous')
    return { arn: undefined, identityArns: [], sessionArn: undefined, allArns: [] }
  if (kind === 'root')
    return { arn: accountArn, identityArns: [accountArn], sessionArn: undefined, allArns: [] }
  const userArn = `arn:aws:iam::${accountId}:user/${subject}`
  const shownArn = nameAssumedRole(principal).arn
  const roleArn = readString(claims, 'roleArn')
  if (roleArn === undefined) {
    const ownArn = nameAssumedRole({ subject, claims: {}, roleSessionName: undefined }).arn
    const isOwn = shownArn === ownArn && shownArn.endsWith(`/${subject}`)
    const allArns = [userArn, shownArn]
    return {
      arn: userArn,
      identityArns: [userArn],
      sessionArn: isOwn ? shownArn : undefined,
      allArns,
    }
  }
  if (readFederatedUser(claims) !== undefined)
    return {
      arn: roleArn,
      identityArns: [roleArn],
      sessionArn: roleArn,
      allArns: [roleArn, userArn],
    }
  const canonical = toCanonicalArn(roleArn)
  const identityArns = [...new Set([canonical, roleArn])]
  const allArns = [...identityArns, userArn, shownArn]
  return { arn: canonical, identityArns, sessionArn: shownArn, allArns }
}

/**
 * Returns an ARN as it is compared: MinIO's form of a role, with its region or without (`arn:minio:iam:us-east-1::role/NAME`), and an ARN without an account
 * (`arn:aws:iam:::user/NAME`) are this account's.
 */
export function toCanonicalArn(arn: string): string {
  const [, service, rest] = /^arn:(?:minio|aws):(iam|sts):[\w-]*::(.+)$/s.exec(arn) ?? []
  return service === undefined || rest === undefined
    ? arn
    : `arn:aws:${service}::${accountId}:${rest}`
}

/**
 * Returns the ARN of a user, a role or a session as it is compared where any account's is this server's: in roles' trust, and in the `Resource` of
 * statements about roles. AWS's tools write twelve digits of their own there, and there is one account here.
 */
export function toLocalArn(arn: string): string {
  // Most are written so already, and a server may have a thousand roles to compare.
  if (arn.startsWith(localPrefix)) return arn
  const [, service, rest] =
    /^arn:(?:minio|aws[\w-]*):(iam|sts):[\w-]*:(?:\d{12})?:((?:user|role|assumed-role|federated-user)\/.+)$/s.exec(
      arn,
    ) ?? []
  return service === undefined || rest === undefined
    ? arn
    : `arn:aws:${service}::${accountId}:${rest}`
}
