/** Proofs of DPoP, made as AWS's clients make them. */
import { randomUUID, sign, type KeyObject } from 'node:crypto'
import { generateKeys } from '../generate-keys.ts'

export interface ProofKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function makeProofKey(): ProofKey {
  return generateKeys('P-256')
}

export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

/** Returns a proof for an address. */
export function makeProof(
  { privateKey, publicKey }: ProofKey,
  { url, nowMs }: { readonly url: string; readonly nowMs: number },
  { header, claims }: ProofChanges = {},
): string {
  const { kty, x, y, crv } = publicKey.export({ format: 'jwk' })
  const parts = [
    { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, x, y, crv }, ...header },
    { htm: 'POST', htu: url, iat: Math.floor(nowMs / 1000), jti: randomUUID(), ...claims },
  ]
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = sign('sha256', Buffer.from(text), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${text}.${signature.toString('base64url')}`
}
