/**
 * Writes and reads the claims of a session token: the identity provider's claims, MinIO's (docs/wire.md §2.4), and one of this program for what
 * those cannot express. Nothing is in it twice, because a token travels in a header, of which servers and proxies accept 8 KiB.
 */
import { isObject, readNumber, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import type { Principal } from './principal.ts'
import { readNames } from './read-names.ts'
import type { SessionRequest } from './session-store.ts'

/**
 * The claim for what MinIO's claims cannot express, so that a session is read back as it was issued. It is trusted only in the token of a
 * request that was signed with the derived secret: in a token that a MinIO issued, an identity provider may have added a claim of this name.
 */
const ownClaim = 'sts-cli'

/**
 * Members of this program's claim. Version 1 had every fact in it; its tokens are still read. Version 3 has what limits a session or says who is behind it:
 * a server that does not know these members must not accept the token, because it would give more than was asked for.
 */
interface OwnFacts {
  readonly v: 2 | 3
  /** Time of issue in milliseconds, so that a login right after a revocation is not revoked. */
  readonly iat: number
  /** The subject, if the claim `sub` differs. */
  readonly sub?: string | undefined
  /** The claim that has the policies. */
  readonly policyClaim?: string | undefined
  /** The policies, if that claim does not have them. */
  readonly policies?: readonly string[] | undefined
  /** The claim was a list; MinIO expects a string with commas. */
  readonly isPolicyList?: true | undefined
  /** The groups, if the claim `groups` does not have them. */
  readonly groups?: readonly string[] | undefined
  /** RoleSessionName. */
  readonly name?: string | undefined
  /** SourceIdentity; only in version 3. */
  readonly source?: string | undefined
  /** The policies of PolicyArns; only in version 3. */
  readonly limits?: readonly string[] | undefined
  /** The session policy of a session with `limits`: the claim for it then has `denyAll`. */
  readonly policy?: string | undefined
  /** Claims that MinIO needs and that the session did not have. */
  readonly added?: readonly string[] | undefined
  /** The session's claims whose names have a meaning for MinIO. */
  readonly claims?: JsonObject | undefined
}

/** Names with a meaning for MinIO. An identity provider's claims of these names are kept inside `ownClaim`, where no MinIO reads them (docs/wire.md §4.7). */
const innerClaims: ReadonlySet<string> = new Set([
  ownClaim,
  'accessKey',
  'sessionPolicy',
  'roleArn',
  'sa-policy',
])

/** The session policy that a MinIO with this root secret reads of a session with PolicyArns. It cannot keep to these, so that it must allow nothing. */
const denyAll =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}]}'

export interface IssueFacts {
  readonly accessKeyId: string
  readonly issuedAtMs: number
  /** The claim in which a MinIO expects policies. */
  readonly policyClaim: string
}

/** Returns the claims of a new session's token. As at MinIO, `exp` is when the session expires, not when the identity provider's token does. */
export function toClaims(request: SessionRequest, issue: IssueFacts): JsonObject {
  const { claims, policyNames, sessionPolicy } = request
  // Credentials of AssumeRole have their parent's rights: MinIO reads the parent, not a policy claim.
  const hasPolicyClaim = policyNames.length > 0 && readString(claims, 'parent') === undefined
  const policyClaim = hasPolicyClaim ? issue.policyClaim : undefined
  const names = policyNames.join(',')
  const sub = readString(claims, 'sub') ?? request.subject
  const set: Record<string, unknown> = { exp: Math.floor(request.expiresAtMs / 1000), sub }
  if (policyClaim !== undefined) set[policyClaim] = names

  // One object is filled: merging several with `...` costs five times as much, a tenth of the whole exchange.
  const passed: Record<string, unknown> = {}
  const covered: Record<string, unknown> = {}
  let isPolicyList: true | undefined
  for (const [name, value] of Object.entries(claims)) {
    if (innerClaims.has(name)) covered[name] = value
    else if (!Object.hasOwn(set, name)) passed[name] = value
    else if (name === policyClaim && isSameList(value, policyNames)) isPolicyList = true
    else if (name !== 'exp' && value !== set[name]) covered[name] = value
  }
  const added = Object.keys(set).filter((name) => claims[name] === undefined)
  Object.assign(passed, set)
  const { sourceIdentity: source, sessionPolicyNames: limits } = request
  const shownPolicy = limits === undefined ? sessionPolicy : denyAll
  if (shownPolicy !== undefined)
    passed['sessionPolicy'] = Buffer.from(shownPolicy).toString('base64')
  passed['accessKey'] = issue.accessKeyId
  const isSaidByClaim = policyClaim !== undefined && isSameList(readNames(names), policyNames)
  const own: OwnFacts = {
    v: source === undefined && limits === undefined ? 2 : 3,
    iat: issue.issuedAtMs,
    sub: request.subject === sub ? undefined : request.subject,
    policyClaim,
    policies: isSaidByClaim || policyNames.length === 0 ? undefined : policyNames,
    isPolicyList,
    groups: isSameList(readNames(claims['groups']), request.groups) ? undefined : request.groups,
    name: request.roleSessionName,
    source,
    limits,
    policy: limits === undefined ? undefined : sessionPolicy,
    added: added.length === 0 ? undefined : added,
    claims: Object.keys(covered).length === 0 ? undefined : covered,
  }
  passed[ownClaim] = own
  return passed
}

/** Returns whether the claims say that this program issued the token; see `ownClaim` for when this may be trusted. */
export function isOwnToken(claims: JsonObject): boolean {
  return isObject(claims[ownClaim])
}

/** Returns the principal of a token that this program issued; undefined for any other token. */
export function readOwnPrincipal(claims: JsonObject): Principal | undefined {
  const own = claims[ownClaim]
  const exp = readNumber(claims, 'exp')
  const accessKey = readString(claims, 'accessKey')
  if (!isObject(own) || exp === undefined || accessKey === undefined) return undefined
  const issuedAtMs = readNumber(own, 'iat')
  const read = Object.hasOwn(own, 'v') ? readOwnFacts(claims, own) : readFirstOwnFacts(claims, own)
  if (read === undefined || issuedAtMs === undefined) return undefined
  return {
    kind: 'session',
    accessKey,
    sessionPolicy: readSessionPolicy(claims),
    ...read,
    expiresAtMs: exp * 1000,
    issuedAtMs,
  }
}

/** Returns the text of the session policy, which MinIO stores as standard base64. */
export function readSessionPolicy(claims: JsonObject): string | undefined {
  if (!Object.hasOwn(claims, 'sessionPolicy')) return undefined
  // A value of another type reads as empty, which is not a policy document: the session is denied everything.
  return Buffer.from(readString(claims, 'sessionPolicy') ?? '', 'base64').toString('utf8')
}

type ReadFacts = Pick<
  Principal,
  | 'subject'
  | 'claims'
  | 'policyNames'
  | 'groups'
  | 'roleSessionName'
  | 'sourceIdentity'
  | 'sessionPolicyNames'
> &
  // The claim's, if it is not here.
  Partial<Pick<Principal, 'sessionPolicy'>>

function readOwnFacts(claims: JsonObject, own: JsonObject): ReadFacts | undefined {
  const subject = readString(own, 'sub') ?? readString(claims, 'sub')
  if ((own['v'] !== 2 && own['v'] !== 3) || subject === undefined) return undefined
  const policyClaim = readString(own, 'policyClaim')
  const policyNames =
    own['policies'] === undefined && policyClaim !== undefined
      ? readNames(claims[policyClaim])
      : readStrings(own, 'policies')
  const omitted = new Set([...innerClaims, ...readStrings(own, 'added')])
  const read: Record<string, unknown> = omitClaims(claims, omitted)
  if (policyClaim !== undefined && own['isPolicyList'] === true) read[policyClaim] = policyNames
  if (isObject(own['claims'])) Object.assign(read, own['claims'])
  const groups =
    own['groups'] === undefined ? readNames(read['groups']) : readStrings(own, 'groups')
  const facts = {
    subject,
    claims: read,
    policyNames,
    groups,
    roleSessionName: readString(own, 'name'),
  }
  return own['v'] === 3 ? { ...facts, ...readLimits(own) } : facts
}

function readLimits(
  own: JsonObject,
): Partial<Pick<ReadFacts, 'sourceIdentity' | 'sessionPolicyNames' | 'sessionPolicy'>> {
  const sourceIdentity = readString(own, 'source')
  if (own['limits'] === undefined) return { sourceIdentity }
  const sessionPolicyNames = readStrings(own, 'limits')
  return { sourceIdentity, sessionPolicyNames, sessionPolicy: readString(own, 'policy') }
}

/** Reads a token of version 0.1, whose own claim has the subject, the policies, the groups and the claims that MinIO's replaced. */
function readFirstOwnFacts(claims: JsonObject, own: JsonObject): ReadFacts | undefined {
  const subject = readString(own, 'sub')
  const covered = own['claims']
  if (subject === undefined || !isObject(covered)) return undefined
  const omitted = new Set([...innerClaims, 'exp', 'sub', readString(own, 'policyClaim') ?? ''])
  return {
    subject,
    claims: { ...omitClaims(claims, omitted), ...covered },
    policyNames: readStrings(own, 'policies'),
    groups: readStrings(own, 'groups'),
  }
}

/** Returns the claims without those named. */
export function omitClaims(
  claims: JsonObject,
  omitted: ReadonlySet<string>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !omitted.has(name)))
}

function isSameList(value: unknown, list: readonly string[]): boolean {
  return (
    Array.isArray(value) &&
    value.length === list.length &&
    value.every((item, index) => item === list[index])
  )
}
