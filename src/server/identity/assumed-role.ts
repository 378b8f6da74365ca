/** The names of a session in AWS's form: what AssumeRole answers as `AssumedRoleUser`, and GetCallerIdentity as `Arn` and `UserId`. */
import { hash } from '../../protocol/digest.ts'
import { readString } from '../../base/parse.ts'
import type { AssumedRole } from '../../protocol/sts-wire.ts'
import { accountId } from './account.ts'
import { readFederatedUser, toFederatedArn } from './federated-user.ts'
import { readDisplayName } from '../sessions/describe-principal.ts'
import type { Principal } from '../sessions/principal.ts'

/** Stands for the role in the ARN of a session whose policies do not come from one. No role may have this name. */
export const noRole = 'sts-cli'
const maxSessionNameChars = 64

/**
 * Returns the ARN `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` and the id `AROA…:SESSION` of a session (AWS STS, AssumedRoleUser). ROLE is the
 * last part of the role's ARN, as at AWS; the id differs for roles of the same name. SESSION is the RoleSessionName, or else the user's name, or
 * else the subject, in the characters that AWS allows. A session of GetFederationToken has its federated user's names.
 */
export function nameAssumedRole({
  subject,
  claims,
  roleSessionName,
}: Pick<Principal, 'subject' | 'claims' | 'roleSessionName'>): AssumedRole {
  const roleArn = readString(claims, 'roleArn')
  const user = readFederatedUser(claims)
  if (user !== undefined) return { arn: toFederatedArn(user), id: `${accountId}:${user}` }
  const role = toName(roleArn?.split('/').at(-1) || noRole)
  const session = toName(roleSessionName ?? readDisplayName(claims) ?? subject)
  const roleId = findRoleId(roleArn ?? noRole)
  return {
    arn: `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`,
    id: `${roleId}:${session}`,
  }
}

/** A server has few roles; their ids are kept, because a hash for each exchange would be a part of its cost. */
const roleIds = new Map<string, string>()
const maxKeptIds = 1024

/** Returns the id of a role. Seventeen digits follow the prefix at AWS (IAM User Guide, "Unique identifiers"). */
function findRoleId(arn: string): string {
  const known = roleIds.get(arn)
  if (known !== undefined) return known
  const id = `AROA${hash('sha256', arn).toString('hex').slice(0, 17).toUpperCase()}`
  if (roleIds.size < maxKeptIds) roleIds.set(arn, id)
  return id
}

function toName(text: string): string {
  return text.slice(0, maxSessionNameChars).replaceAll(/[^\w+=,.@-]/g, '_') || '_'
}
