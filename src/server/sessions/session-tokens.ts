/**
 * The keys and token of a session: the secret key is an HMAC of the access key, the token a JWT under the root secret in MinIO's form.
 */
import { createSecretKey, randomFillSync } from 'node:crypto'
import { formatUtc } from '../../protocol/dates.ts'
import { hash, hmac, hmacText } from '../../protocol/digest.ts'
import { readString, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import { signSessionToken, verifySessionToken } from '../../protocol/jwt/session-token.ts'
import { keepValidTokens } from './known-tokens.ts'
import type { Principal } from './principal.ts'
import { toClaims } from './session-claims.ts'
import type { SessionRequest } from './session-store.ts'

export interface SessionTokensOptions {
  readonly rootSecret: string
  readonly nowMs: () => number
  /** The claim in which a MinIO expects policies; `policy` if left out. */
  readonly policyClaim?: string | undefined
}

export interface SessionTokens {
  /** @throws {AwsError} `InvalidParameterValue` if the token would not fit into a header. */
  issue(request: SessionRequest): TemporaryCredentials
  deriveSecret(accessKeyId: string): string
  /** Returns the claims of a token that names this access key and was signed under the root secret. Does not check whether it has expired. */
  read(sessionToken: string, accessKeyId: string): JsonObject | undefined
}

/** Servers and proxies refuse longer headers, so that a longer token could not be used. */
const maxSessionTokenBytes = 8 * 1024

/** Returns functions that issue and read the tokens of one root secret. */
export function createSessionTokens(options: SessionTokensOptions): SessionTokens {
  const secretKeyKey = createSecretKey(
    hmac('sha256', options.rootSecret, 'sts-cli derived secret key v1'),
  )
  const tokenKey = createSecretKey(options.rootSecret, 'utf8')
  const readValid = keepValidTokens((token) => verifySessionToken(token, tokenKey))
  const deriveSecret = (accessKey: string): string =>
    hmacText('sha256', secretKeyKey, accessKey, 'base64').slice(0, 40).replaceAll('/', '+')

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
        expirationText: formatUtc(expiration.getTime()),
      }
    },
    read(sessionToken, accessKeyId) {
      const claims = readValid(sessionToken)
      return claims !== undefined && readString(claims, 'accessKey') === accessKeyId
        ? claims
        : undefined
    },
  }
}

/**
 * Returns MinIO's parent user of a session, which mappings and revocations name (docs/wire.md §2.4): the parent for AssumeRole and
 * certificates, the DN for LDAP, else a hash of the identity provider's subject and issuer.
 */
export function findParentUser({ claims, subject }: Pick<Principal, 'claims' | 'subject'>): string {
  const named = readString(claims, 'parent') ?? readString(claims, 'ldapUser')
  if (named !== undefined) return named
  const text = `openid:${subject}:${readString(claims, 'iss') ?? ''}`
  return hash('sha256', text).toString('base64url')
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
/** Bytes from here on are skipped: they would favour the first letters of the alphabet, as MinIO's modulo 36 does. */
const fairBytes = 256 - (256 % alphabet.length)
const randomPool = Buffer.alloc(4096)
let poolOffset = randomPool.length

/** Returns 20 characters of `A-Z0-9`. The random bytes come from a pool: a system call for each key costs a tenth of the whole exchange. */
export function generateAccessKey(): string {
  let key = ''
  while (key.length < 20) {
    if (poolOffset === randomPool.length) {
      randomFillSync(randomPool)
      poolOffset = 0
    }
    const byte = randomPool[poolOffset] ?? 255
    // A used byte must not be readable again.
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
  if (request.claims['groups'] === undefined)
    sizes.push(['groups', JSON.stringify(request.groups).length])
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
