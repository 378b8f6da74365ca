import { generateKeyPair, type KeyPairKeyObjectResult } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)

/** A fresh RSA key of 2,048 bits, made beside the event loop: its primes take 60 to 300 ms to find. */
export function generateSigningKey(): Promise<KeyPairKeyObjectResult> {
  return generate('rsa', { modulusLength: 2048 })
}
