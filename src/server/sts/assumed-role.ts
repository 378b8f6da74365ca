/** The names of a session in AWS's form: what AssumeRole answers as `AssumedRoleUser`, and GetCallerIdentity as `Arn` and `UserId`. */
import { hash } from '../../protocol/digest.ts'
import { readString } from '../../base/parse.ts'
import type { AssumedRole } from '../../protocol/sts-wire.ts'
import { accountId } from '../identity/account.ts'
import { readDisplayName } from '../sessions/describe-principal.ts'
import type { Principal } from '../sessions/principal.ts'

/** The role of a session whose policies do not come from a role. */
const noRole = 'sts-cli'
const maxSessionNameChars = 64

/**
 * Returns the ARN `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` and the id `AROA…:SESSION` of a session (AWS STS, AssumedRoleUser). ROLE is the
 * last part of the role's ARN, as at AWS; the id differs for roles of the same name. SESSION is the RoleSessionName, or else the user's name, or
 * else the subject, in the characters that AWS allows.
 */
export function nameAssumedRole({
  subject,
  claims,
  roleSessionName,
}: Pick<Principal, 'subject' | 'claims' | 'roleSessionName'>): AssumedRole {
  const roleArn = readString(claims, 'roleArn')
  const role = toName(roleArn?.split('/').at(-1) || noRole)
  const session = toName(roleSessionName ?? readDisplayName(claims) ?? subject)
  // Seventeen digits follow the prefix of a role at AWS (IAM User Guide, "Unique identifiers").
  const roleId = `AROA${hash('sha256', roleArn ?? noRole)
    .toString('hex')
    .slice(0, 17)
    .toUpperCase()}`
  return {
    arn: `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`,
    id: `${roleId}:${session}`,
  }
}

function toName(text: string): string {
  return text.slice(0, maxSessionNameChars).replaceAll(/[^\w+=,.@-]/g, '_') || '_'
}
