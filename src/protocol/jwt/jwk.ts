/** Key sets of identity providers and the keys that verify tokens. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isObject, readString, type JsonObject } from '../../base/parse.ts'

export interface JwtKey {
  readonly kid: string | undefined
  /** The algorithm to which the set restricts the key, if it names one. */
  readonly alg: string | undefined
  readonly type: 'RSA' | 'EC' | 'OKP'
  /** `P-256`, `P-384`, `P-521`, `Ed25519`; undefined for RSA. */
  readonly curve: string | undefined
  readonly key: KeyObject
}

const maxKeys = 256
const minRsaBits = 2048
const curves = new Set(['P-256', 'P-384', 'P-521', 'Ed25519'])
const publicMembers = ['kty', 'n', 'e', 'crv', 'x', 'y']
/** The members of RSA, EC and OKP keys that reveal the private key (RFC 7518 §6.2.2, §6.3.2); `k` is a secret in any key. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Returns the usable verification keys of a JSON Web Key Set (RFC 7517).
 *
 * Ignored: keys that are not for verification (`use`, `key_ops`), symmetric keys, RSA under 2,048 bits or with an exponent that proves
 * nothing, unsupported curves, keys that do not parse, and private keys: anybody who reads the set could sign with one. If a kid names
 * several keys that one token could mean, none of them is used, as in jose; of other keys with one kid the first is used. Only the first
 * 256 entries are read.
 *
 * @returns Keys in order; undefined when the value is not a key set.
 */
export function importJwks(json: unknown): JwtKey[] | undefined {
  if (!isObject(json) || !Array.isArray(json['keys'])) return undefined
  const candidates = listCandidates(json['keys'])
  const keys: JwtKey[] = []
  for (const entry of candidates) {
    if (isAmbiguous(entry, candidates)) continue
    const key = importJwk(entry)
    if (key === undefined) continue
    if (key.kid !== undefined && keys.some((other) => other.kid === key.kid)) continue
    keys.push(key)
  }
  return keys
}

/** Returns the kids that several keys of a set share, so that none of these is used; empty for a value that is not a key set. */
export function findAmbiguousKids(json: unknown): string[] {
  if (!isObject(json) || !Array.isArray(json['keys'])) return []
  const candidates = listCandidates(json['keys'])
  const ambiguous = candidates.filter((entry) => isAmbiguous(entry, candidates))
  return [...new Set(ambiguous.flatMap((entry) => readString(entry, 'kid') ?? []))]
}

function listCandidates(entries: readonly unknown[]): JsonObject[] {
  return entries.slice(0, maxKeys).filter(isObject).filter(isForVerifying)
}

/** Returns the number of entries of a set, and how many of them publish a private key. */
export function countEntries(json: unknown): { entries: number; privateKeys: number } {
  const list: unknown[] = isObject(json) && Array.isArray(json['keys']) ? json['keys'] : []
  return { entries: list.length, privateKeys: list.filter(isPrivate).length }
}

function isPrivate(entry: unknown): boolean {
  return (
    isObject(entry) &&
    entry['kty'] !== 'oct' &&
    privateMembers.some((name) => Object.hasOwn(entry, name))
  )
}

/**
 * Returns true if the key's own members allow it to verify signatures. A member of the wrong type is not ignored: the provider's intention is
 * unknown.
 */
function isForVerifying(entry: JsonObject): boolean {
  const { kid, alg, use, ext } = entry
  return (
    (kid === undefined || typeof kid === 'string') &&
    (alg === undefined || typeof alg === 'string') &&
    (ext === undefined || typeof ext === 'boolean') &&
    (use === undefined || use === 'sig') &&
    (entry['key_ops'] === undefined || areVerifyingOperations(entry['key_ops'], use))
  )
}

/** Checks RFC 7517 §4.3: a list of texts without duplicates that contains `verify`, and agrees with `use` if both are present. */
function areVerifyingOperations(operations: unknown, use: unknown): boolean {
  if (!Array.isArray(operations)) return false
  const names = operations.filter((name) => typeof name === 'string')
  return (
    names.length === operations.length &&
    new Set(names).size === names.length &&
    names.includes('verify') &&
    (use === undefined || names.every((name) => name === 'verify' || name === 'sign'))
  )
}

/** Returns true if several keys have this kid and one token could mean any of them: then chance would decide which one verifies. */
function isAmbiguous(entry: JsonObject, candidates: readonly JsonObject[]): boolean {
  if (entry['kid'] === undefined) return false
  const alike = candidates.filter(
    ({ kid, kty, crv, alg }) =>
      kid === entry['kid'] &&
      kty === entry['kty'] &&
      (kty === 'RSA' || crv === entry['crv']) &&
      (alg === undefined || entry['alg'] === undefined || alg === entry['alg']),
  )
  return alike.length > 1
}

function importJwk(entry: JsonObject): JwtKey | undefined {
  if (isPrivate(entry)) return undefined
  const type = readString(entry, 'kty')
  if (type !== 'RSA' && type !== 'EC' && type !== 'OKP') return undefined
  const curve = type === 'RSA' ? undefined : readString(entry, 'crv')
  if (type !== 'RSA' && !curves.has(curve ?? '')) return undefined
  const jwk: JsonWebKey = {}
  for (const name of publicMembers) {
    const value = readString(entry, name)
    if (value !== undefined) jwk[name] = value
  }
  let key: KeyObject
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
  if (type === 'RSA' && !isStrongRsa(key)) return undefined
  return { kid: readString(entry, 'kid'), alg: readString(entry, 'alg'), type, curve, key }
}

/** With the exponent 1 every text is its own signature; no RSA key has an even exponent (RFC 8017 §3.1). */
function isStrongRsa({ asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  return modulusLength >= minRsaBits && publicExponent >= 3n && publicExponent % 2n === 1n
}
