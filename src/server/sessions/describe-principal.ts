import { readString, type JsonObject } from '../../base/parse.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import type { Principal } from './principal.ts'

/** The longest name in a log line. */
const maxNameChars = 64
const maxReadChars = 1024
/** Marks that reorder or hide other characters. */
const invisible = /[\p{Cf}\u2028\u2029]/gu

/**
 * The claims that name a user for people, in the order in which they are looked for. The provider keeps the first ones unique
 * (OpenID Connect Core §5.1 for `preferred_username`, MicroProfile JWT for `upn`); `name` is free text and comes last. `ldapUsername` is the
 * directory's own.
 */
const nameClaims = ['ldapUsername', 'preferred_username', 'upn', 'username', 'email', 'name']

/**
 * Returns a user's readable name, of at most 64 characters that can be printed; undefined if the claims have none. It is for people who read a
 * log: at Keycloak the subject is a UUID. Users may be able to change it, so that nothing is decided by it.
 */
export function readDisplayName(claims: JsonObject): string | undefined {
  for (const claim of nameClaims) {
    const text = readString(claims, claim)
    // Most claims are not there, and cleaning a text costs more than all else here.
    if (text === undefined || text === '') continue
    const name = toPrintable(text.slice(0, maxReadChars).replaceAll(invisible, ''), maxNameChars)
    if (name !== '') return name
  }
  return undefined
}

/**
 * Returns the claims that say who a session's user is, for a session of another role that this one assumes: the issuer, by which revocations name the user
 * too, and the readable names.
 */
export function pickNameClaims(claims: JsonObject): Record<string, string> {
  const picked = ['iss', ...nameClaims].map((name) => [name, readString(claims, name)] as const)
  return Object.fromEntries(picked.flatMap(([name, text]) => (text ? [[name, text]] : [])))
}

/** Returns what a request's record says about who signed it. The claims `roleArn` and `iss` are the server's own or a verified token's. */
export function describePrincipal(principal: Principal): {
  readonly kind: Principal['kind']
  readonly subject: string
  readonly name: string | undefined
  readonly accessKeyId: string | undefined
  readonly roleArn: string | undefined
  readonly roleSessionName: string | undefined
  readonly issuer: string | undefined
} {
  const { kind, accessKey, subject, claims, roleSessionName } = principal
  const [roleArn, issuer] = [readString(claims, 'roleArn'), readString(claims, 'iss')]
  const name = readDisplayName(claims)
  return {
    kind,
    subject,
    name,
    accessKeyId: accessKey || undefined,
    roleArn,
    roleSessionName,
    issuer,
  }
}
