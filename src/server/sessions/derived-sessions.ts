/**
 * Credentials that are computed, not kept: the secret key is an HMAC of the access key, the session token a JWT under the root secret.
 * Nothing is written when they are issued, nothing is lost in a crash, and every replica with the same root secret accepts them.
 */
import { createHmac, createSecretKey, randomFillSync } from 'node:crypto'
import { readNumber, readString, readStrings, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { Credentials, TemporaryCredentials } from '../../protocol/credentials.ts'
import { signSessionToken, verifySessionToken } from '../../protocol/jwt/session-token.ts'
import type { Principal } from '../identity/principal.ts'
import type { SessionLookup, SessionRequest, SessionStore } from './session-store.ts'

export interface DerivedSessionsOptions {
  readonly rootSecret: string
  readonly nowMs: () => number
}

/** Servers and proxies refuse headers beyond this, so a longer token could be issued but never used. */
const maxSessionTokenBytes = 8 * 1024
/** Revocations outlive the longest session kept here; past this many the oldest go. */
const maxRevocations = 100_000

/** Our own claims; an identity provider's claims of these names never reach a token (WIRE 4.7). */
const sessionClaims = [
  'accessKey',
  'exp',
  'iat',
  'sub',
  'sessionPolicy',
  'policyNames',
  'groups',
  'claims',
] as const

/** Opens the store that needs none. */
export function createDerivedSessions(options: DerivedSessionsOptions): SessionStore {
  const derivation = createHmac('sha256', options.rootSecret)
  const secretKeyKey = createSecretKey(derivation.update('sts-cli derived secret key v1').digest())
  const tokenKey = createSecretKey(options.rootSecret, 'utf8')
  const revoked = new Set<string>()
  const deriveSecret = (accessKey: string): string =>
    createHmac('sha256', secretKeyKey)
      .update(accessKey)
      .digest('base64')
      .slice(0, 40)
      .replaceAll('/', '+')

  return {
    async issue(request) {
      const accessKeyId = generateAccessKey()
      const issuedAtMs = options.nowMs()
      const sessionToken = signSessionToken(toClaims(request, accessKeyId, issuedAtMs), tokenKey)
      if (sessionToken.length > maxSessionTokenBytes) throw tooLong(request, sessionToken.length)
      return toCredentials(
        accessKeyId,
        deriveSecret(accessKeyId),
        sessionToken,
        request.expiresAtMs,
      )
    },

    async lookUp(accessKeyId, sessionToken) {
      if (!/^[A-Z0-9]{20}$/.test(accessKeyId)) return { outcome: 'unknown' }
      const secretAccessKey = deriveSecret(accessKeyId)
      if (sessionToken === undefined || sessionToken === '')
        return { outcome: 'missing-token', secretAccessKey }
      const claims = verifySessionToken(sessionToken, tokenKey)
      if (claims === undefined || readString(claims, 'accessKey') !== accessKeyId)
        return { outcome: 'wrong-token', secretAccessKey }
      if (revoked.has(accessKeyId)) return { outcome: 'revoked' }
      return toLookup(claims, { accessKeyId, secretAccessKey }, options.nowMs())
    },

    async revoke(accessKeyId) {
      if (revoked.size >= maxRevocations) {
        const oldest = revoked.values().next()
        if (!oldest.done) revoked.delete(oldest.value)
      }
      revoked.add(accessKeyId)
    },

    async checkReady() {
      return true
    },

    async close() {
      revoked.clear()
    },
  }
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

function toClaims(request: SessionRequest, accessKey: string, issuedAtMs: number): JsonObject {
  const claims: Record<(typeof sessionClaims)[number], unknown> = {
    accessKey,
    exp: Math.floor(request.expiresAtMs / 1000),
    iat: Math.floor(issuedAtMs / 1000),
    sub: request.subject,
    sessionPolicy:
      request.sessionPolicy === undefined
        ? undefined
        : Buffer.from(request.sessionPolicy).toString('base64'),
    policyNames: request.policyNames,
    groups: request.groups.length === 0 ? undefined : request.groups,
    claims: request.claims,
  }
  return claims
}

function toLookup(
  claims: JsonObject,
  { accessKeyId, secretAccessKey }: Credentials,
  nowMs: number,
): SessionLookup {
  const exp = readNumber(claims, 'exp')
  const subject = readString(claims, 'sub')
  if (exp === undefined || subject === undefined) return { outcome: 'wrong-token', secretAccessKey }
  if (nowMs >= exp * 1000) return { outcome: 'expired' }
  const encodedPolicy = readString(claims, 'sessionPolicy')
  const inner = claims['claims']
  const principal: Principal = {
    kind: 'session',
    accessKey: accessKeyId,
    subject,
    claims: typeof inner === 'object' && inner !== null ? (inner as JsonObject) : {},
    policyNames: readStrings(claims, 'policyNames'),
    sessionPolicy:
      encodedPolicy === undefined
        ? undefined
        : Buffer.from(encodedPolicy, 'base64').toString('utf8'),
    groups: readStrings(claims, 'groups'),
    expiresAtMs: exp * 1000,
    issuedAtMs: (readNumber(claims, 'iat') ?? 0) * 1000,
  }
  return { outcome: 'found', principal, secretAccessKey }
}

function toCredentials(
  accessKeyId: string,
  secretAccessKey: string,
  sessionToken: string,
  expiresAtMs: number,
): TemporaryCredentials {
  const expiration = new Date(Math.floor(expiresAtMs / 1000) * 1000)
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration,
    expirationText: expiration.toISOString().replace('.000Z', 'Z'),
  }
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
