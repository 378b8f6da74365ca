import { AwsError } from '../../protocol/aws-error.ts'
import { byClaimArn, toAwsRoleArn } from '../identity/role-arn.ts'
import { readNames } from '../sessions/read-names.ts'
import type { StsServices } from './sts-action.ts'

/** A role that a token may assume. */
export interface GrantedRole {
  /** What a caller sends as RoleArn. */
  readonly arn: string
  /** What follows `role/` in the ARN: `by-claim` for the policies of the token's claim. */
  readonly name: string
}

type Services = Pick<
  StsServices,
  'roles' | 'tokenVerifier' | 'knownPolicies' | 'policyClaim' | 'isPolicyClaimRequired'
>

/**
 * Returns the roles that a token may assume; the policies of its claim, if it names one that exists here, count as a role. They are in the order of the
 * server's settings, the claim first.
 *
 * @throws {AwsError} The reason why the token itself is refused; `AccessDenied` if it is valid and no role is granted.
 */
export async function listGrantedRoles(token: string, services: Services): Promise<GrantedRole[]> {
  const granted: GrantedRole[] = []
  let refusal: AwsError | undefined
  const attempt = async (check: () => Promise<GrantedRole | undefined>): Promise<void> => {
    try {
      const role = await check()
      if (role !== undefined) granted.push(role)
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      refusal ??= error
    }
  }
  const { tokenVerifier, roles } = services
  if (tokenVerifier !== undefined)
    await attempt(async () => {
      const { claims } = await tokenVerifier.verify(token)
      return hasPolicy(claims[services.policyClaim], services)
        ? { arn: byClaimArn, name: byClaimName }
        : undefined
    })
  // A role has several ARNs.
  for (const role of new Set(roles?.values()))
    await attempt(async () => {
      await role.verify(token)
      return { arn: role.arn, name: nameOfRole(role.arn) }
    })
  if (granted.length > 0) return granted
  throw (
    refusal ??
    new AwsError('AccessDenied', 'the token names no policy and no role that exists here')
  )
}

/** Returns the ARN of the role with a name of `listGrantedRoles`; undefined if there is none. It may be one that nobody granted. */
export function findRoleArn(name: string, { roles }: Pick<Services, 'roles'>): string | undefined {
  if (name === byClaimName) return byClaimArn
  const role = roles?.get(toAwsRoleArn(name))
  if (role !== undefined) return role.arn
  // A role with an ARN of its own.
  return [...(roles?.keys() ?? [])].find((arn) => nameOfRole(arn) === name)
}

const byClaimName = nameOfRole(byClaimArn)

function nameOfRole(arn: string): string {
  return arn.slice(arn.indexOf(':role/') + 1).replace(/^role\//, '')
}

/** An engine decides without policies. */
function hasPolicy(claim: unknown, { isPolicyClaimRequired, knownPolicies }: Services): boolean {
  return !isPolicyClaimRequired || readNames(claim).some((name) => knownPolicies.has(name))
}
