import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import type { KeyPairKeyObjectResult } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)

/**
 * Generates an RSA key pair of 2048 bits, outside the event loop's thread: finding the primes takes 60 to 300 ms.
 *
 * The keys are read from their PEM, not taken as they were generated: in Node 20 a generated key shares a lock with the job that generated it.
 * When the garbage collector removes the job while the key is exported as a JWK, the process waits for itself for ever.
 */
export async function generateSigningKey(): Promise<KeyPairKeyObjectResult> {
  const { privateKey, publicKey } = await generate('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(publicKey) }
}
