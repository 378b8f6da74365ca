import { generateKeyPair, type KeyPairKeyObjectResult } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)

/** Generates an RSA key pair of 2048 bits, outside the event loop's thread: finding the primes takes 60 to 300 ms. */
export function generateSigningKey(): Promise<KeyPairKeyObjectResult> {
  return generate('rsa', { modulusLength: 2048 })
}
