/** Key pairs for tests. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

const publicKeyEncoding = { type: 'spki', format: 'pem' } as const
const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const

/**
 * Generates a key pair by way of PEM, as `generate-signing-key.ts` does and for its reason: exporting a key of Node 20 as it was generated can
 * stop the process for ever.
 *
 * @param kind `rsa` has 2048 bits unless another length is given, `P-256` and `P-384` are curves for ECDSA.
 */
export function generateKeys(
  kind: 'rsa' | 'P-256' | 'P-384' | 'ed25519' | 'x25519',
  modulusLength = 2048,
): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const { privateKey, publicKey } = generateTexts(kind, modulusLength)
  return { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(publicKey) }
}

function generateTexts(
  kind: Parameters<typeof generateKeys>[0],
  modulusLength: number,
): { readonly privateKey: string; readonly publicKey: string } {
  if (kind === 'rsa')
    return generateKeyPairSync('rsa', { modulusLength, publicKeyEncoding, privateKeyEncoding })
  if (kind === 'ed25519')
    return generateKeyPairSync('ed25519', { publicKeyEncoding, privateKeyEncoding })
  if (kind === 'x25519')
    return generateKeyPairSync('x25519', { publicKeyEncoding, privateKeyEncoding })
  return generateKeyPairSync('ec', { namedCurve: kind, publicKeyEncoding, privateKeyEncoding })
}
