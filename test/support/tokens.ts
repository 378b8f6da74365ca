/** Keys of every supported kind, their public set, and tokens signed with them; jose is the reference. */
import { createHmac, sign, type KeyObject, type SignKeyObjectInput } from 'node:crypto'
import { createLocalJWKSet, jwtVerify, type JWK } from '../../src/base/jose.ts'
import { importJwks } from '../../src/protocol/jwt/jwk.ts'
import type { FindKey } from '../../src/protocol/jwt/verify-jwt.ts'
import { generateKeys } from './generate-keys.ts'

export const nowMs = Date.parse('2026-11-23T16:33:27Z')
export const nowSeconds = nowMs / 1000

export interface Signer {
  readonly alg: string
  readonly kid: string
  readonly publicJwk: JWK
  readonly publicKey: KeyObject
  readonly signText: (text: string) => Buffer
}

type Options = Omit<SignKeyObjectInput, 'key'>

function makeSigner(
  alg: string,
  digest: string | undefined,
  pair: { publicKey: KeyObject; privateKey: KeyObject },
  options: Options = {},
): Signer {
  const kid = `${alg} key`
  return {
    alg,
    kid,
    publicJwk: { ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' },
    publicKey: pair.publicKey,
    signText: (text) => sign(digest, Buffer.from(text), { key: pair.privateKey, ...options }),
  }
}

const rsa = generateKeys('rsa')
const p256 = generateKeys('P-256')
const ed25519 = generateKeys('ed25519')

/** 6 is RSA_PKCS1_PSS_PADDING; the salt is as long as the digest (RFC 7518 §3.5). */
const pss: Options = { padding: 6, saltLength: 32 }

export const signers = {
  RS256: makeSigner('RS256', 'sha256', rsa),
  PS256: makeSigner('PS256', 'sha256', rsa, pss),
  ES256: makeSigner('ES256', 'sha256', p256, { dsaEncoding: 'ieee-p1363' }),
  EdDSA: makeSigner('EdDSA', undefined, ed25519),
} as const

export const allSigners: readonly Signer[] = Object.values(signers)
export const keySet = { keys: allSigners.map(({ publicJwk }) => publicJwk) }

export type Members = Readonly<Record<string, unknown>>

export const claims: Members = { sub: 'alice', aud: 'app', exp: nowSeconds + 3600 }

export function encodePart(part: Members | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

/** Signs the given header and claims, valid or not; undefined members are omitted. */
export function makeToken(signer: Signer, changed: Members = {}, header: Members = {}): string {
  const { alg, kid } = signer
  const signedText = `${encodePart({ alg, kid, typ: 'JWT', ...header })}.${encodePart({ ...claims, ...changed })}`
  return `${signedText}.${signer.signText(signedText).toString('base64url')}`
}

/** Makes an HS256 token with any bytes as its secret. */
export function makeHmacToken(secret: string | Buffer, kid: string): string {
  const signedText = `${encodePart({ alg: 'HS256', kid })}.${encodePart(claims)}`
  return `${signedText}.${createHmac('sha256', secret).update(signedText).digest('base64url')}`
}

/** Returns a lookup like that of the server’s key set: by kid, or without one the only key. */
export function findIn(jwks: unknown): FindKey {
  const keys = importJwks(jwks) ?? []
  return (kid) =>
    kid === undefined
      ? keys.length === 1
        ? keys[0]
        : undefined
      : keys.find((key) => key.kid === kid)
}

const algorithms = ['RS', 'PS', 'ES'].flatMap((kind) => ['256', '384', '512'].map((n) => kind + n))

/** Returns true if jose accepts the token with this key set at this time, with the algorithms that this project accepts. */
export async function doesJoseAccept(
  token: string,
  jwks: { readonly keys: JWK[] },
  atMs: number = nowMs,
): Promise<boolean> {
  try {
    await jwtVerify(token, createLocalJWKSet(jwks), {
      algorithms: [...algorithms, 'EdDSA'],
      requiredClaims: ['exp'],
      currentDate: new Date(atMs),
    })
    return true
  } catch {
    return false
  }
}
