/** Whose tokens may assume a role: an issuer, an audience, and conditions on claims in IAM's own words. */
import { isObject, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { AuthorizationRequest } from './authorizer.ts'
import { doConditionsHold, parseConditions, type Condition } from './conditions.ts'
import { findPublicIssuer, namesOwner } from './public-issuers.ts'

export interface RoleTrust {
  /** The token's `iss`, to the letter. */
  readonly issuer: string
  /** One of them must be in the token's `aud`. */
  readonly audiences: readonly string[]
  readonly conditions: readonly Condition[]
}

const members = new Set(['issuer', 'audience', 'conditions'])
/** Operators that a token without the claim cannot satisfy. */
const bindingOperator = /^(?:ForAnyValue:)?(?:String|Arn)(?:Equals|EqualsIgnoreCase|Like)$/

/**
 * Reads one entry of a role's `trust`.
 *
 * @param where For messages: the role's file.
 * @throws {AwsError} `InvalidParameterValue` naming what is wrong, or what would let strangers in.
 */
export function parseRoleTrust(value: unknown, where: string): RoleTrust {
  if (!isObject(value)) throw refuse(`${where}: trust must be an object or a list of objects`)
  for (const name of Object.keys(value))
    if (!members.has(name)) throw refuse(`${where}: trust has an unknown member ${name}`)
  const issuer = readString(value, 'issuer') ?? ''
  if (!isIssuer(issuer))
    throw refuse(`${where}: issuer ${JSON.stringify(issuer)} is not an https URL`)
  const audiences = readStrings(value, 'audience').filter((audience) => audience !== '')
  if (audiences.length === 0)
    throw refuse(
      `${where}: audience is missing: without one, a token that is meant for others opens this role`,
    )
  const blocks = renameKeys(value['conditions'], { issuer, where })
  checkBinding(blocks, { issuer, where })
  return { issuer, audiences, conditions: parseConditions(blocks, where) }
}

/** Plain http is for this machine alone: a token's keys must come from whom the issuer's name says. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname))
  )
}

interface Place {
  readonly issuer: string
  readonly where: string
}

type Blocks = Readonly<Record<string, JsonObject>>

/** Claims under the names that conditions know: `sub`, `jwt:sub` and, as AWS writes it, `issuer.example.com:sub` are one. */
function renameKeys(value: unknown, { issuer, where }: Place): Blocks {
  if (!isObject(value)) throw refuse(`${where}: conditions are missing: nobody would be kept out`)
  const prefixes = ['jwt:', `${issuer.replace(/^https?:\/\//, '').replace(/\/$/, '')}:`]
  const rename = (key: string): string => {
    if (/^(?:aws|s3|ldap):/i.test(key))
      throw refuse(`${where}: the condition key ${key} is no claim of a token`)
    const prefix = prefixes.find((candidate) => key.startsWith(candidate)) ?? ''
    return `jwt:${key.slice(prefix.length)}`
  }
  return Object.fromEntries(
    Object.entries(value).map(([operator, block]) => {
      if (!isObject(block)) throw refuse(`${where}: condition ${operator} must be an object`)
      if (JSON.stringify(block).includes('${'))
        throw refuse(`${where}: the values of ${operator} are compared as they are: no \${…}`)
      const entries = Object.entries(block).map(([key, values]) => [rename(key), values] as const)
      return [operator, Object.fromEntries(entries)]
    }),
  )
}

/** At least one condition must name somebody; at a public issuer, a customer of it. */
function checkBinding(blocks: Blocks, { issuer, where }: Place): void {
  const conditions = Object.entries(blocks).flatMap(([operator, block]) =>
    Object.entries(block).map(([key, raw]) => ({
      claim: key.slice('jwt:'.length),
      isPattern: /Like$|Arn/.test(operator),
      isBinding: bindingOperator.test(operator),
      values: (Array.isArray(raw) ? raw : [raw]).map(String),
    })),
  )
  const binding = conditions.filter(
    ({ claim, isBinding, isPattern, values }) =>
      isBinding &&
      claim !== 'iss' &&
      claim !== 'aud' &&
      values.every((value) => (isPattern ? /[^*?]/.test(value) : value !== '')),
  )
  if (binding.length === 0)
    throw refuse(
      `${where}: no condition says whose token of ${issuer} it must be: add StringEquals or StringLike on sub or another claim`,
    )
  const provider = findPublicIssuer(issuer)
  if (provider === undefined) return
  const isOwned = binding.some(({ claim, values, isPattern }) =>
    values.every((value) => namesOwner(provider, claim, { value, isPattern })),
  )
  if (!isOwned)
    throw refuse(
      `${where}: ${issuer} serves everybody, and no condition keeps strangers out; name your own, such as ${provider.example}`,
    )
}

/**
 * Whether a verified token may assume a role by this entry.
 *
 * @returns The claims that keep it out; none when it may.
 */
export function findDistrust(trust: RoleTrust, claims: JsonObject): readonly string[] {
  const audiences = readStrings(claims, 'aud')
  if (readString(claims, 'iss') !== trust.issuer) return ['iss']
  if (!trust.audiences.some((audience) => audiences.includes(audience))) return ['aud']
  const request = toRequest(claims)
  return trust.conditions
    .filter((condition) => !doConditionsHold([condition], request, 'Allow'))
    .map(({ key }) => key.slice('jwt:'.length))
}

/** Conditions ask a request; this one has nothing but a token's claims. */
function toRequest(claims: JsonObject): AuthorizationRequest {
  return {
    principal: {
      kind: 'session',
      accessKey: '',
      subject: '',
      claims,
      policyNames: [],
      sessionPolicy: undefined,
      groups: [],
      expiresAtMs: undefined,
      issuedAtMs: undefined,
    },
    action: 'sts:AssumeRoleWithWebIdentity',
    bucket: '',
    object: '',
    conditions: new Map(),
  }
}

function refuse(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}
