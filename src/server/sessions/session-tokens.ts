/**
 * What a session's token holds and how its secret key is found: the secret is an HMAC of the access key, the token a JWT under the root
 * secret in MinIO's shape (WIRE 2.4: the identity provider's claims as they came, then MinIO's own), with a claim of ours beside.
 */
import { createHash, createHmac, createSecretKey, randomFillSync } from 'node:crypto'
import { isObject, readNumber, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import { signSessionToken, verifySessionToken } from '../../protocol/jwt/session-token.ts'
import type { Principal } from '../identity/principal.ts'
import type { SessionRequest } from './session-store.ts'

export interface SessionTokensOptions {
  readonly rootSecret: string
  readonly nowMs: () => number
  /** The claim in which a MinIO looks for policies; `policy` when left out. */
  readonly policyClaim?: string | undefined
}

export interface SessionTokens {
  /** @throws {AwsError} `InvalidParameterValue` when the token would not fit a header. */
  issue(request: SessionRequest): TemporaryCredentials
  deriveSecret(accessKeyId: string): string
  /** The claims of a token that is this access key's and was signed under the root secret; says nothing of its end. */
  read(sessionToken: string, accessKeyId: string): JsonObject | undefined
}

/** Servers and proxies refuse headers beyond this, so a longer token could be issued but never used. */
const maxSessionTokenBytes = 8 * 1024

/**
 * Holds what MinIO's claims cannot say, so that a session is read back exactly as it was issued. Only a token whose request was signed with
 * the derived secret is believed in it: in one that a MinIO issued, an identity provider may have put a claim of this name.
 */
const ownClaim = 'sts-cli'

/** MinIO gives these a meaning; an identity provider's own of these names are kept where no MinIO looks (WIRE 4.7). */
const reservedClaims: ReadonlySet<string> = new Set([
  ownClaim,
  'accessKey',
  'exp',
  'sub',
  'sessionPolicy',
  'roleArn',
  'sa-policy',
])

/** Makes and reads the tokens of one root secret. */
export function createSessionTokens(options: SessionTokensOptions): SessionTokens {
  const derivation = createHmac('sha256', options.rootSecret)
  const secretKeyKey = createSecretKey(derivation.update('sts-cli derived secret key v1').digest())
  const tokenKey = createSecretKey(options.rootSecret, 'utf8')
  const deriveSecret = (accessKey: string): string =>
    createHmac('sha256', secretKeyKey)
      .update(accessKey)
      .digest('base64')
      .slice(0, 40)
      .replaceAll('/', '+')

  return {
    deriveSecret,
    issue(request) {
      const accessKeyId = generateAccessKey()
      const claims = toClaims(request, {
        accessKeyId,
        issuedAtMs: options.nowMs(),
        policyClaim: options.policyClaim ?? 'policy',
      })
      const sessionToken = signSessionToken(claims, tokenKey)
      if (sessionToken.length > maxSessionTokenBytes) throw tooLong(request, sessionToken.length)
      const expiration = new Date(Math.floor(request.expiresAtMs / 1000) * 1000)
      return {
        accessKeyId,
        secretAccessKey: deriveSecret(accessKeyId),
        sessionToken,
        expiration,
        expirationText: expiration.toISOString().replace('.000Z', 'Z'),
      }
    },
    read(sessionToken, accessKeyId) {
      const claims = verifySessionToken(sessionToken, tokenKey)
      return claims !== undefined && readString(claims, 'accessKey') === accessKeyId
        ? claims
        : undefined
    },
  }
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
  const subject = readString(own, 'sub')
  const issuedAtMs = readNumber(own, 'iat')
  const covered = own['claims']
  if (subject === undefined || issuedAtMs === undefined || !isObject(covered)) return undefined
  const policyClaim = readString(own, 'policyClaim')
  const passed = Object.entries(claims).filter(
    ([name]) => !reservedClaims.has(name) && name !== policyClaim,
  )
  return {
    kind: 'session',
    accessKey,
    subject,
    claims: { ...Object.fromEntries(passed), ...covered },
    policyNames: readStrings(own, 'policies'),
    sessionPolicy: readSessionPolicy(claims),
    groups: readStrings(own, 'groups'),
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

/**
 * Whom MinIO takes a session's credentials to belong to: mappings and revocations name this (WIRE 2.4). The parent of AssumeRole and
 * certificates, the DN of LDAP, else a hash of the provider's subject and issuer.
 */
export function findParentUser({ claims, subject }: Pick<Principal, 'claims' | 'subject'>): string {
  const named = readString(claims, 'parent') ?? readString(claims, 'ldapUser')
  if (named !== undefined) return named
  const text = `openid:${subject}:${readString(claims, 'iss') ?? ''}`
  return createHash('sha256').update(text).digest('base64url')
}

function toClaims(
  request: SessionRequest,
  issue: { accessKeyId: string; issuedAtMs: number; policyClaim: string },
): JsonObject {
  // AssumeRole's credentials have their parent's rights: MinIO looks there, not at a claim.
  const hasPolicyClaim =
    request.policyNames.length > 0 && readString(request.claims, 'parent') === undefined
  const policyClaim = hasPolicyClaim ? issue.policyClaim : undefined
  const { groups, sessionPolicy } = request
  // One object that grows: putting it together from several by `...` costs five times as much, a tenth of the whole exchange.
  const passed: Record<string, unknown> = {}
  const covered: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(request.claims)) {
    if (reservedClaims.has(name) || name === policyClaim) covered[name] = value
    else passed[name] = value
  }
  if (policyClaim !== undefined) passed[policyClaim] = request.policyNames.join(',')
  if (sessionPolicy !== undefined)
    passed['sessionPolicy'] = Buffer.from(sessionPolicy).toString('base64')
  passed['accessKey'] = issue.accessKeyId
  passed['exp'] = Math.floor(request.expiresAtMs / 1000)
  passed['sub'] = readString(request.claims, 'sub') ?? request.subject
  passed[ownClaim] = {
    sub: request.subject,
    // To the millisecond: a login right after a revocation is after it.
    iat: issue.issuedAtMs,
    policies: request.policyNames,
    policyClaim,
    groups: groups.length === 0 ? undefined : groups,
    claims: covered,
  }
  return passed
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
/** Bytes from here up would favour the alphabet's first letters (MinIO takes all of them modulo 36). */
const fairBytes = 256 - (256 % alphabet.length)
const randomPool = Buffer.alloc(4096)
let poolOffset = randomPool.length

/** 20 characters of `A-Z0-9`, from a pool: a call to the system for each costs a tenth of the whole exchange. */
export function generateAccessKey(): string {
  let key = ''
  while (key.length < 20) {
    if (poolOffset === randomPool.length) {
      randomFillSync(randomPool)
      poolOffset = 0
    }
    const byte = randomPool[poolOffset] ?? 255
    // What was used must not be read again.
    randomPool[poolOffset] = 0
    poolOffset += 1
    if (byte < fairBytes) key += alphabet.charAt(byte % alphabet.length)
  }
  return key
}

function tooLong(request: SessionRequest, bytes: number): AwsError {
  const sizes = Object.entries(request.claims).map(([name, value]): [string, number] => [
    name,
    JSON.stringify(value)?.length ?? 0,
  ])
  if (request.sessionPolicy !== undefined)
    sizes.push(['(session policy)', request.sessionPolicy.length])
  const largest = sizes
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([name]) => name)
  return new AwsError(
    'InvalidParameterValue',
    `the session token would have ${bytes} bytes, more than the ${maxSessionTokenBytes} a header can hold; the largest parts are ${largest.join(', ')}`,
  )
}
