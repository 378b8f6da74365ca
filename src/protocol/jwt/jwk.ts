/** Key sets as they arrive and the keys we verify with. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isObject, readString } from '../../base/parse.ts'

export interface JwtKey {
  readonly kid: string | undefined
  /** The algorithm the set binds the key to, when it says one. */
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

/**
 * The usable verification keys of a JSON Web Key Set (RFC 7517).
 *
 * Left out: keys for encryption, symmetric keys, RSA under 2,048 bits, curves we do not verify, keys that do not parse, and private keys:
 * whoever reads the set could sign with one. Of two keys with one kid the first stays; of more than 256 entries the first are read.
 *
 * @returns Keys in order; undefined when the value is not a key set at all.
 */
export function importJwks(json: unknown): JwtKey[] | undefined {
  if (!isObject(json) || !Array.isArray(json['keys'])) return undefined
  const keys: JwtKey[] = []
  for (const entry of json['keys'].slice(0, maxKeys)) {
    const key = importJwk(entry)
    if (key === undefined) continue
    if (key.kid !== undefined && keys.some((other) => other.kid === key.kid)) continue
    keys.push(key)
  }
  return keys
}

/** How many of a set's entries there are, and how many of them publish a private key. */
export function countEntries(json: unknown): { entries: number; privateKeys: number } {
  const list: unknown[] = isObject(json) && Array.isArray(json['keys']) ? json['keys'] : []
  return { entries: list.length, privateKeys: list.filter(isPrivate).length }
}

function isPrivate(entry: unknown): boolean {
  return isObject(entry) && entry['kty'] !== 'oct' && Object.hasOwn(entry, 'd')
}

function importJwk(entry: unknown): JwtKey | undefined {
  if (isPrivate(entry)) return undefined
  if (!isObject(entry) || (entry['use'] !== undefined && entry['use'] !== 'sig')) return undefined
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
  if (type === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < minRsaBits)
    return undefined
  return { kid: readString(entry, 'kid'), alg: readString(entry, 'alg'), type, curve, key }
}
