/** The `Principal` and `NotPrincipal` of a bucket policy's statement (IAM User Guide, "AWS JSON policy elements: Principal"). */
import { isObject } from '../../base/parse.ts'
import { accountId, canonicalUserId } from '../identity/account.ts'
import { toCanonicalArn, type PrincipalNames } from '../identity/principal-names.ts'
import type { Principal } from '../sessions/principal.ts'

/** Whom a statement is about. */
export interface PolicyPrincipal {
  /** True for `*`, which includes those who did not sign. */
  readonly isAnyone: boolean
  /** True if it names this server's account. */
  readonly hasAccount: boolean
  /** ARNs of users, roles and sessions, in the form of `toCanonicalArn`. */
  readonly arns: ReadonlySet<string>
  /** True for `NotPrincipal`: the statement is about everybody else. */
  readonly isNegated: boolean
}

/** The way in which an Allow applies to a principal; undefined if it does not. */
export type Grant = 'session' | 'identity' | undefined

const maxNames = 256
const maxNameChars = 2048
const members: ReadonlySet<string> = new Set(['AWS', 'CanonicalUser', 'Federated', 'Service'])
const accountNames: ReadonlySet<string> = new Set([accountId, `arn:aws:iam::${accountId}:root`])

/**
 * Reads the member `Principal` or `NotPrincipal`. Accounts other than this server's are accepted and are nobody here; so are services.
 *
 * @returns Undefined for a value that is not a principal. As at AWS, a wildcard cannot stand for a part of a name.
 */
export function readPolicyPrincipal(
  value: unknown,
  { isNegated }: Pick<PolicyPrincipal, 'isNegated'>,
): PolicyPrincipal | undefined {
  const nobody = { isAnyone: false, hasAccount: false, arns: new Set<string>(), isNegated }
  if (value === '*') return { ...nobody, isAnyone: true }
  if (!isObject(value)) return undefined
  const kinds = Object.entries(value)
  if (kinds.length === 0 || kinds.some(([kind]) => !members.has(kind))) return undefined
  const names = kinds.flatMap(([kind, raw]) => readNames(raw).map((name) => [kind, name] as const))
  const isSound = names.every(([kind, name]) => isName(kind, name))
  if (!isSound || names.length > maxNames || kinds.some(([, raw]) => readNames(raw).length === 0))
    return undefined
  const own = names.flatMap(([kind, name]) => (kind === 'AWS' ? [toCanonicalArn(name)] : []))
  const isOwner = names.some(([kind, name]) => {
    return kind === 'CanonicalUser' && name === canonicalUserId
  })
  return {
    isAnyone: own.includes('*'),
    hasAccount: isOwner || own.some((name) => accountNames.has(name)),
    arns: new Set(own.filter((name) => name.startsWith('arn:') && !accountNames.has(name))),
    isNegated,
  }
}

/** Returns the texts of a value; a value of another type is a text that is no name. */
function readNames(raw: unknown): string[] {
  const list: unknown[] = Array.isArray(raw) ? raw : [raw]
  return list.map((name) => (typeof name === 'string' ? name : ''))
}

/** Accounts are twelve digits at AWS; other servers have names. An ARN of a role may be any that a role of this server has. */
const arn =
  /^arn:(?:aws[\w-]*|minio):(?:iam:[\w-]*:[\w-]{0,64}:(?:root|user\/.+|role\/.+)|sts:[\w-]*:[\w-]{0,64}:(?:assumed-role|federated-user)\/.+)$/s

function isName(kind: string, name: string): boolean {
  if (name === '' || name.length > maxNameChars) return false
  if (kind === 'CanonicalUser') return /^[0-9a-f]{64}$/.test(name)
  if (kind === 'Service') return /^[a-z0-9.-]+$/.test(name)
  if (kind === 'Federated') return !/[*?]/.test(name)
  return name === '*' || /^\d{12}$/.test(name) || (arn.test(name) && !/[*?]/.test(name))
}

/**
 * Returns how an Allow's principal applies: to the session itself, whose session policy then need not allow it too, or to its role, its user or
 * everybody. The account alone gives nobody anything: it leaves the decision to the identity policies, as at AWS ("How permissions and policies provide
 * access management").
 */
export function findGrant(
  { isAnyone, arns, isNegated }: PolicyPrincipal,
  { identityArns, sessionArn }: PrincipalNames,
): Grant {
  // There is no Allow with NotPrincipal; if one came here, it would give nothing.
  if (isNegated) return undefined
  if (sessionArn !== undefined && arns.has(sessionArn)) return 'session'
  return isAnyone || identityArns.some((name) => arns.has(name)) ? 'identity' : undefined
}

/**
 * Returns whether a Deny's principal applies. It counts for every name that a session is known by. `NotPrincipal` spares only those whose own name is in it:
 * the account in it spares the account's root and not its sessions.
 */
export function isDenied(
  { isAnyone, hasAccount, arns, isNegated }: PolicyPrincipal,
  kind: Principal['kind'],
  { identityArns, sessionArn, allArns }: PrincipalNames,
): boolean {
  if (isNegated) {
    const isNamed = [...identityArns, ...(sessionArn ? [sessionArn] : [])].some((name) =>
      arns.has(name),
    )
    return !(isAnyone || isNamed || (kind === 'root' && hasAccount))
  }
  if (isAnyone || (hasAccount && kind !== 'anonymous')) return true
  return allArns.some((name) => arns.has(name))
}
