/**
 * What a session's token says, both ways: the identity provider's claims as they came and MinIO's own (docs/wire.md §2.4), with one claim of ours for
 * what those cannot say. Every fact is in it once: a token travels in a header, and 8 KiB of it is what servers and proxies take.
 */
import { isObject, readNumber, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import type { Principal } from './principal.ts'
import { readNames } from './read-names.ts'
import type { SessionRequest } from './session-store.ts'

/**
 * Holds what MinIO's claims cannot say, so that a session is read back as it was issued. Only a token whose request was signed with the
 * derived secret is believed in it: in one that a MinIO issued, an identity provider may have put a claim of this name.
 */
const ownClaim = 'sts-cli'

/** Members of our claim, the second form of it. The first had every fact in it, and a token of that form is read as it was. */
interface OwnFacts {
  readonly v: 2
  /** When the token was issued, to the millisecond: a login right after a revocation is after it. */
  readonly iat: number
  /** The subject, where the claim `sub` is another. */
  readonly sub?: string | undefined
  /** The claim in which the policies are. */
  readonly policyClaim?: string | undefined
  /** The policies, where that claim does not say them. */
  readonly policies?: readonly string[] | undefined
  /** The policies came as a list; MinIO wants a text with commas. */
  readonly isPolicyList?: true | undefined
  /** The groups, where the claim `groups` does not say them. */
  readonly groups?: readonly string[] | undefined
  /** Claims that MinIO wants and that were not among those of the session. */
  readonly added?: readonly string[] | undefined
  /** The session's claims whose names MinIO gives a meaning of its own. */
  readonly claims?: JsonObject | undefined
}

/** MinIO gives these a meaning; an identity provider's own of these names are kept where no MinIO looks (docs/wire.md §4.7). */
const innerClaims: ReadonlySet<string> = new Set([
  ownClaim,
  'accessKey',
  'sessionPolicy',
  'roleArn',
  'sa-policy',
])

export interface IssueFacts {
  readonly accessKeyId: string
  readonly issuedAtMs: number
  /** The claim in which a MinIO looks for policies. */
  readonly policyClaim: string
}

/** The claims of a new session's token. `exp` is the session's own end, as at MinIO, whatever the identity provider's token had there. */
export function toClaims(request: SessionRequest, issue: IssueFacts): JsonObject {
  const { claims, policyNames, sessionPolicy } = request
  // AssumeRole's credentials have their parent's rights: MinIO looks there, not at a claim.
  const hasPolicyClaim = policyNames.length > 0 && readString(claims, 'parent') === undefined
  const policyClaim = hasPolicyClaim ? issue.policyClaim : undefined
  const names = policyNames.join(',')
  const sub = readString(claims, 'sub') ?? request.subject
  const set: Record<string, unknown> = { exp: Math.floor(request.expiresAtMs / 1000), sub }
  if (policyClaim !== undefined) set[policyClaim] = names

  // One object that grows: putting it together from several by `...` costs five times as much, a tenth of the whole exchange.
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
  if (sessionPolicy !== undefined)
    passed['sessionPolicy'] = Buffer.from(sessionPolicy).toString('base64')
  passed['accessKey'] = issue.accessKeyId
  const isSaidByClaim = policyClaim !== undefined && isSameList(readNames(names), policyNames)
  const own: OwnFacts = {
    v: 2,
    iat: issue.issuedAtMs,
    sub: request.subject === sub ? undefined : request.subject,
    policyClaim,
    policies: isSaidByClaim || policyNames.length === 0 ? undefined : policyNames,
    isPolicyList,
    groups: isSameList(readNames(claims['groups']), request.groups) ? undefined : request.groups,
    added: added.length === 0 ? undefined : added,
    claims: Object.keys(covered).length === 0 ? undefined : covered,
  }
  passed[ownClaim] = own
  return passed
}

/** Whether the claims say that this program issued the token; see `ownClaim` for who may believe them. */
export function isOwnToken(claims: JsonObject): boolean {
  return isObject(claims[ownClaim])
}

/** The principal that a token of ours was issued for; undefined for any other token. */
export function readOwnPrincipal(claims: JsonObject): Principal | undefined {
  const own = claims[ownClaim]
  const exp = readNumber(claims, 'exp')
  const accessKey = readString(claims, 'accessKey')
  if (!isObject(own) || exp === undefined || accessKey === undefined) return undefined
  const issuedAtMs = readNumber(own, 'iat')
  const read = Object.hasOwn(own, 'v') ? readFacts(claims, own) : readFirstFacts(claims, own)
  if (read === undefined || issuedAtMs === undefined) return undefined
  return {
    kind: 'session',
    accessKey,
    ...read,
    sessionPolicy: readSessionPolicy(claims),
    expiresAtMs: exp * 1000,
    issuedAtMs,
  }
}

/** The session policy's text; MinIO keeps it in standard base64 of the text. */
export function readSessionPolicy(claims: JsonObject): string | undefined {
  if (!Object.hasOwn(claims, 'sessionPolicy')) return undefined
  // One of another type reads as empty, which is no policy document: such a session may do nothing.
  return Buffer.from(readString(claims, 'sessionPolicy') ?? '', 'base64').toString('utf8')
}

type Facts = Pick<Principal, 'subject' | 'claims' | 'policyNames' | 'groups'>

function readFacts(claims: JsonObject, own: JsonObject): Facts | undefined {
  const subject = readString(own, 'sub') ?? readString(claims, 'sub')
  if (own['v'] !== 2 || subject === undefined) return undefined
  const policyClaim = readString(own, 'policyClaim')
  const policyNames =
    own['policies'] === undefined && policyClaim !== undefined
      ? readNames(claims[policyClaim])
      : readStrings(own, 'policies')
  const left = new Set([...innerClaims, ...readStrings(own, 'added')])
  const said: Record<string, unknown> = pickOthers(claims, left)
  if (policyClaim !== undefined && own['isPolicyList'] === true) said[policyClaim] = policyNames
  if (isObject(own['claims'])) Object.assign(said, own['claims'])
  const groups =
    own['groups'] === undefined ? readNames(said['groups']) : readStrings(own, 'groups')
  return { subject, claims: said, policyNames, groups }
}

/** A token of version 0.1: our claim has the subject, the policies, the groups and every claim that MinIO's own stand over. */
function readFirstFacts(claims: JsonObject, own: JsonObject): Facts | undefined {
  const subject = readString(own, 'sub')
  const covered = own['claims']
  if (subject === undefined || !isObject(covered)) return undefined
  const left = new Set([...innerClaims, 'exp', 'sub', readString(own, 'policyClaim') ?? ''])
  return {
    subject,
    claims: { ...pickOthers(claims, left), ...covered },
    policyNames: readStrings(own, 'policies'),
    groups: readStrings(own, 'groups'),
  }
}

function pickOthers(claims: JsonObject, left: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !left.has(name)))
}

function isSameList(value: unknown, list: readonly string[]): boolean {
  return (
    Array.isArray(value) &&
    value.length === list.length &&
    value.every((item, index) => item === list[index])
  )
}
