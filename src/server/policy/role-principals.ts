/**
 * An entry of a role's trust that names principals of this server, who assume the role by AssumeRole: a `Principal`, `Condition` and the actions that it
 * allows, as in IAM's trust policies (IAM User Guide, "AWS JSON policy elements: Principal").
 */
import { isObject, readStrings, type JsonObject } from '../../base/parse.ts'
import { accountId } from '../identity/account.ts'
import { listPrincipalNames, toLocalArn } from '../identity/principal-names.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { doConditionsHold, parseConditions, type Condition } from './conditions.ts'
import { checkMembers, invalidDocument } from './invalid-document.ts'
import { toPattern } from './wildcard.ts'

/** One entry of a role's `trust` about principals. */
export interface PrincipalTrust {
  /** True for `*`. */
  readonly isAnyone: boolean
  /** True if it names the account: everybody whose own policies allow the role. */
  readonly hasAccount: boolean
  /** Users, roles and sessions, in the form of `toLocalArn`. */
  readonly arns: ReadonlySet<string>
  /** What the entry allows besides naming who may assume the role: `sts:TagSession`, `sts:SetSourceIdentity`. */
  readonly actions: ReadonlySet<string>
  readonly conditions: readonly Condition[]
}

const members = new Set(['principal', 'conditions', 'actions'])
const maxNames = 256
const maxNameChars = 2048

/**
 * Parses an entry with the member `principal`.
 *
 * @param where The role's file, for error messages.
 * @throws {AwsError} `InvalidParameterValue`, which names the member that is wrong, or says why the entry lets everybody or nobody in.
 */
export function parsePrincipalTrust(value: JsonObject, where: string): PrincipalTrust {
  checkMembers(value, members, `${where}: trust`)
  const principals = readPrincipals(value['principal'], where)
  const conditions = parseConditions(value['conditions'], { where, hasOtherServices: false })
  const isAnyone = principals.includes('*')
  if (isAnyone && !conditions.some(isBinding))
    throw invalidDocument(
      `${where}: principal * lets everyone in: add a condition that says who may assume the role, such as StringEquals on aws:PrincipalTag/NAME, aws:PrincipalArn or sts:ExternalId`,
    )
  const accounts = new Set([accountId, `arn:aws:iam::${accountId}:root`])
  return {
    isAnyone,
    hasAccount: principals.some((name) => accounts.has(name)),
    arns: new Set(principals.filter((name) => name !== '*' && !accounts.has(name))),
    actions: readTrustActions(value['actions'], 'sts:AssumeRole', where),
    conditions,
  }
}

/** A user, role or session of any account, by AWS's form or MinIO's. */
const named =
  /^arn:aws:(?:iam::\d{12}:(?:user|role)\/[^*?]+|sts::\d{12}:assumed-role\/[^*?/]+\/[^*?/]+)$/s

function readPrincipals(value: unknown, where: string): string[] {
  const inner = isObject(value) ? value['AWS'] : value
  if (isObject(value)) checkMembers(value, new Set(['AWS']), `${where}: principal`)
  const list: unknown[] = Array.isArray(inner) ? inner : [inner]
  if (list.length === 0 || list.length > maxNames)
    throw invalidDocument(`${where}: principal must name 1 to ${maxNames} principals`)
  return list.map((item) => readPrincipal(item, where))
}

function readPrincipal(item: unknown, where: string): string {
  const name = typeof item === 'string' && item.length <= maxNameChars ? item : ''
  if (name === '*') return name
  const [, account = ''] =
    /^(?:arn:(?:aws[\w-]*|minio):iam:[\w-]*:)?(\d{12})?(?::root)?$/.exec(name) ?? []
  if (name === 'arn:minio:iam:::root' || name === 'arn:aws:iam:::root') return accountId
  if (account !== '' && account !== accountId)
    throw invalidDocument(
      `${where}: principal ${name} is another account, from which nobody comes; this server's is ${accountId}`,
    )
  if (account !== '') return accountId
  const arn = toLocalArn(name)
  if (named.test(arn)) return arn
  throw invalidDocument(
    `${where}: principal ${JSON.stringify(item)} is not *, arn:aws:iam::${accountId}:root, or the ARN of a user (user/NAME), a role (role/NAME) or a session (assumed-role/ROLE/SESSION), without wildcards`,
  )
}

const permissions: ReadonlySet<string> = new Set(['sts:TagSession', 'sts:SetSourceIdentity'])

/**
 * Reads the actions that an entry of a trust allows. The action that assumes the role must be one of them, if they are listed.
 *
 * @throws {AwsError} `InvalidParameterValue` for another action.
 */
export function readTrustActions(
  value: unknown,
  assume: string,
  where: string,
): ReadonlySet<string> {
  if (value === undefined) return new Set([assume])
  const list: unknown[] = Array.isArray(value) ? value : [value]
  const actions = new Set(typeof value === 'string' ? [value] : readStrings({ value }, 'value'))
  const wrong = [...actions].find((action) => action !== assume && !permissions.has(action))
  if (wrong !== undefined || actions.size !== list.length || !actions.has(assume))
    throw invalidDocument(
      `${where}: actions must be ${assume}, and may add ${[...permissions].join(' and ')}`,
    )
  return actions
}

/** Keys of what the caller is or was given; who names itself by the others (a session name, a tag of the request) lets itself in. */
const identifyingKey =
  /^(?:aws:(?:principalarn|principaltag\/.+|username|userid|groups|sourceip|sourceidentity)|sts:externalid|jwt:.+|ldap:.+)$/i

const unusedNames = ['nobody-7', 'Zq_9x']
/**
 * Values that nobody has, in groups: addresses that are reserved for documentation, and names that share no letter. A condition that accepts all of one group
 * accepts everybody of its kind.
 */
const nobodies: readonly (readonly string[])[] = [
  ['203.0.113.7'],
  ['2001:db8::7'],
  unusedNames,
  unusedNames.map((name) => `arn:aws:iam::${accountId}:user/${name}`),
  unusedNames.map((name) => `arn:aws:iam::${accountId}:role/${name}`),
]

/** Returns whether a condition keeps somebody out: it is about who the caller is, does not hold without its key, and not for every value. */
function isBinding({ key, values, operator, ...condition }: Condition): boolean {
  const { isNegated, isNull, isIfExists, quantifier } = condition
  if (isNegated || isNull || isIfExists || quantifier === 'all') return false
  if (!identifyingKey.test(key) || /^jwt:(?:iss|aud)$/i.test(key)) return false
  return values.every((text) => {
    if (text === '' || text.includes('${')) return false
    const isMatch = operator.prepare(toPattern(text))
    return !nobodies.some((group) => group.every(isMatch))
  })
}

/** The rule of a refusal by a role's trust begins with this, and the role's ARN follows. */
export const refusedByTrust =
  'the caller is not named, or the conditions do not hold, in the trust of'

/** Returns whether an entry names the caller of a request, and its conditions hold. */
export function doesTrustCaller(trust: PrincipalTrust, request: AuthorizationRequest): boolean {
  return isNamed(trust, request) && doConditionsHold(trust.conditions, request, 'Allow')
}

/**
 * Returns whether an entry names a principal. A session without a role is named by its user only: it may have chosen the name of its session.
 */
function isNamed(
  { isAnyone, hasAccount, arns }: PrincipalTrust,
  { principal }: AuthorizationRequest,
): boolean {
  if (principal.kind === 'anonymous') return false
  if (isAnyone || hasAccount) return true
  const { identityArns, sessionArn } = listPrincipalNames(principal)
  return [...identityArns, ...(sessionArn === undefined ? [] : [sessionArn])].some((arn) =>
    arns.has(toLocalArn(arn)),
  )
}
