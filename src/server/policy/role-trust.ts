/** The trust policy of a role: the issuer and the audiences of the tokens that may assume it, and conditions on their claims, as in IAM. */
import { isObject, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { doConditionsHold, parseConditions, type Condition } from './conditions.ts'
import { checkMembers, invalidDocument } from './invalid-document.ts'
import { readTrustActions } from './role-principals.ts'
import { findPublicIssuer, namesOwner } from './public-issuers.ts'

/** One entry of a role's `trust`. */
export interface RoleTrust {
  /** The exact `iss` of the token. */
  readonly issuer: string
  /** At least one of them must be in the token's `aud`. */
  readonly audiences: readonly string[]
  /** What tokens may bring besides assuming the role: `sts:TagSession`, `sts:SetSourceIdentity`; undefined for both. */
  readonly actions: ReadonlySet<string> | undefined
  readonly conditions: readonly Condition[]
}

const members = new Set(['issuer', 'audience', 'conditions', 'actions'])
const assumeByToken = 'sts:AssumeRoleWithWebIdentity'
/** Keys of the request to the STS, which are no claims. They may only narrow what a condition on a claim lets in. */
const requestKey =
  /^(?:aws:(?:requesttag\/.+|tagkeys|sourceip|securetransport|currenttime|epochtime)|sts:(?:rolesessionname|sourceidentity|transitivetagkeys))$/i
/** The operators that do not hold for a token without the claim. */
const bindingOperator = /^(?:ForAnyValue:)?(?:String|Arn)(?:Equals|EqualsIgnoreCase|Like)$/

/**
 * Parses one entry of a role's `trust`. An entry must require at least one claim, so that not every token of the issuer is trusted.
 *
 * @param where The role's file, for error messages.
 * @throws {AwsError} `InvalidParameterValue`, which names the member that is wrong or the condition that is missing.
 */
export function parseRoleTrust(value: unknown, where: string): RoleTrust {
  if (!isObject(value))
    throw invalidDocument(`${where}: trust must be an object or a list of objects`)
  checkMembers(value, members, `${where}: trust`)
  const issuer = readString(value, 'issuer') ?? ''
  if (!isIssuer(issuer))
    throw invalidDocument(`${where}: issuer ${JSON.stringify(issuer)} is not an https URL`)
  const audiences = readStrings(value, 'audience').filter((audience) => audience !== '')
  if (audiences.length === 0)
    throw invalidDocument(
      `${where}: audience is missing: without one, a token that is meant for others opens this role`,
    )
  const blocks = renameKeys(value['conditions'], { issuer, where })
  checkBinding(blocks, { issuer, where })
  return {
    issuer,
    audiences,
    // A token's tags are as much the issuer's word as its other claims, unless the entry lists what it allows.
    actions:
      value['actions'] === undefined
        ? undefined
        : readTrustActions(value['actions'], assumeByToken, where),
    conditions: parseConditions(blocks, { where, hasOtherServices: false }),
  }
}

/** Accepts plain http only on loopback: elsewhere TLS must prove that the token's keys come from the issuer. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname))
  )
}

interface TrustContext {
  readonly issuer: string
  /** The role's file, for error messages. */
  readonly where: string
}

/** The conditions by operator, then by key. */
type ConditionBlocks = Readonly<Record<string, JsonObject>>

/** Renames each key to `jwt:CLAIM`. A role file may write the claim `sub` as `sub`, `jwt:sub` or, like AWS, `issuer.example.com:sub`. */
function renameKeys(value: unknown, { issuer, where }: TrustContext): ConditionBlocks {
  if (!isObject(value))
    throw invalidDocument(`${where}: conditions are missing: nobody would be kept out`)
  const prefixes = ['jwt:', `${issuer.replace(/^https?:\/\//, '').replace(/\/$/, '')}:`]
  const rename = (key: string): string => {
    if (requestKey.test(key)) return key
    if (/^(?:aws|s3|ldap):/i.test(key))
      throw invalidDocument(`${where}: the condition key ${key} is no claim of a token`)
    const prefix = prefixes.find((candidate) => key.startsWith(candidate)) ?? ''
    return `jwt:${key.slice(prefix.length)}`
  }
  return Object.fromEntries(
    Object.entries(value).map(([operator, block]) => {
      if (!isObject(block))
        throw invalidDocument(`${where}: condition ${operator} must be an object`)
      if (Object.entries(block).some(isVariable))
        throw invalidDocument(
          `${where}: the values of ${operator} are compared as they are: no \${…}`,
        )
      const entries = Object.entries(block).map(([key, values]) => [rename(key), values] as const)
      return [operator, Object.fromEntries(entries)]
    }),
  )
}

/** Returns whether a condition on a claim has a variable. Claims are compared as they are. */
function isVariable([key, values]: [string, unknown]): boolean {
  return !requestKey.test(key) && JSON.stringify(values).includes('${')
}

/** Checks that at least one condition limits who may assume the role; for a public issuer, to one of its customers. */
function checkBinding(blocks: ConditionBlocks, { issuer, where }: TrustContext): void {
  const conditions = Object.entries(blocks).flatMap(([operator, block]) =>
    Object.entries(block).map(([key, raw]) => ({
      key,
      claim: key.slice('jwt:'.length),
      isPattern: /Like$|Arn/.test(operator),
      isBinding: bindingOperator.test(operator),
      values: (Array.isArray(raw) ? raw : [raw]).map(String),
    })),
  )
  const binding = conditions.filter(
    ({ key, claim, isBinding, isPattern, values }) =>
      isBinding &&
      key.startsWith('jwt:') &&
      claim !== 'iss' &&
      claim !== 'aud' &&
      values.every((value) => (isPattern ? /[^*?]/.test(value) : value !== '')),
  )
  if (binding.length === 0)
    throw invalidDocument(
      `${where}: no condition says whose token of ${issuer} it must be: add StringEquals or StringLike on sub or another claim`,
    )
  const provider = findPublicIssuer(issuer)
  if (provider === undefined) return
  const isOwned = binding.some(({ claim, values, isPattern }) =>
    values.every((value) => namesOwner(provider, claim, { value, isPattern })),
  )
  if (!isOwned)
    throw invalidDocument(
      `${where}: ${issuer} serves everybody, and no condition keeps strangers out; name your own, such as ${provider.example}`,
    )
}

/** What a token's request brings besides its claims. */
export interface TrustedRequest {
  /** The conditions of the request to the STS. */
  readonly conditions: ReadonlyMap<string, readonly string[]>
  /** What the request needs besides assuming the role: `sts:TagSession`, `sts:SetSourceIdentity`. */
  readonly actions: readonly string[]
}

/**
 * Returns the claims of a verified token, and the keys of its request, that do not satisfy a trust entry. An empty list means that the token may assume the
 * role.
 */
export function findUntrustedClaims(
  trust: RoleTrust,
  claims: JsonObject,
  { conditions, actions }: TrustedRequest = { conditions: new Map(), actions: [] },
): readonly string[] {
  const audiences = readStrings(claims, 'aud')
  if (readString(claims, 'iss') !== trust.issuer) return ['iss']
  if (!trust.audiences.some((audience) => audiences.includes(audience))) return ['aud']
  const request = toRequest(claims, conditions)
  return [
    ...trust.conditions
      .filter((condition) => !doConditionsHold([condition], request, 'Allow'))
      .map(({ key }) => key.replace(/^jwt:/, '')),
    ...actions
      .filter((action) => trust.actions?.has(action) === false)
      .map((action) => `tags or source identity, for which the trust lacks ${action}`),
  ]
}

/** Returns an authorization request with only the token's claims, because conditions are evaluated for a request. */
function toRequest(
  claims: JsonObject,
  conditions: TrustedRequest['conditions'],
): AuthorizationRequest {
  return {
    principal: {
      kind: 'session',
      accessKey: '',
      subject: readString(claims, 'sub') ?? '',
      claims,
      policyNames: [],
      sessionPolicy: undefined,
      groups: [],
      expiresAtMs: undefined,
      issuedAtMs: undefined,
    },
    action: assumeByToken,
    bucket: '',
    object: '',
    conditions,
  }
}
