/** Generates the credentials that the operator does not set. */
import { randomBytes } from 'node:crypto'
import type { Credentials } from '../protocol/credentials.ts'
import type { IssuerClient } from './issuer/client-metadata.ts'

/** Returns random root credentials: 80 bits of access key, 240 bits of secret key, both safe in a shell. */
export function generateRoot(): Credentials {
  return {
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: randomBytes(30).toString('base64url'),
  }
}

/** Returns the client that `sts-cli login` uses on this machine; its policy is `readwrite`. */
export function generateDemoClient(): IssuerClient {
  return { id: 'demo', secret: randomBytes(24).toString('base64url'), policy: 'readwrite' }
}
