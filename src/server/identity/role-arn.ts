/** The ARNs by which callers name a role: the one reader of the parameter RoleArn, for every action of the STS. */
import { accountId } from './account.ts'
import { toCanonicalArn } from './principal-names.ts'

/**
 * The RoleArn that means "the policies of the token's claim". AWS's SDKs cannot leave RoleArn out, so that without it they could not use claims at a server
 * that has roles too.
 */
export const byClaimArn = `arn:aws:iam::${accountId}:role/by-claim`

/**
 * Returns the role that a RoleArn names, `by-claim` for `byClaimArn`, or undefined if it names none.
 *
 * A role is named by each ARN that it is registered with, exactly, and by AWS's form of this account's ARN with the twelve digits of any account:
 * there is one account here, and what the digits say gives no rights. A path is a part of the name, as at AWS: `role/team/deploy` names the role
 * `team/deploy`, and no role `deploy`.
 *
 * @param roles The roles by their ARNs. Those that have a name of this account are among them as `toAwsRoleArn`.
 */
export function findRoleByArn<Role>(
  arn: string,
  roles: ReadonlyMap<string, Role>,
): Role | 'by-claim' | undefined {
  const role = roles.get(arn)
  if (role !== undefined) return role
  const ownArn = toOwnAccount(arn)
  return ownArn === byClaimArn ? 'by-claim' : roles.get(ownArn)
}

/** Returns whether an ARN is one that means the token's claim, so that no role may have it. */
export function isByClaimArn(arn: string): boolean {
  return toOwnAccount(toCanonicalArn(arn)) === byClaimArn
}

/** Returns AWS's form of the ARN of a role of this server. */
export function toAwsRoleArn(name: string): string {
  return `arn:aws:iam::${accountId}:role/${name}`
}

/** Returns the ARN with this server's account, if it is AWS's form of a role's ARN, and else as it is. */
function toOwnAccount(arn: string): string {
  const [, name] = /^arn:aws:iam::\d{12}:role\/(.+)$/s.exec(arn) ?? []
  return name === undefined ? arn : toAwsRoleArn(name)
}
