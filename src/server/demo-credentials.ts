/** What a server makes up where the operator says nothing. */
import { randomBytes } from 'node:crypto'
import type { Credentials } from '../protocol/credentials.ts'
import type { IssuerClient } from './issuer/client-metadata.ts'

/** Root credentials that no one can guess: 160 bits of name, 240 of secret, both fit for a shell. */
export function generateRoot(): Credentials {
  return {
    accessKeyId: randomBytes(20).toString('hex').slice(0, 20).toUpperCase(),
    secretAccessKey: randomBytes(30).toString('base64url'),
  }
}

/** The client that `sts-cli login` finds on this machine; it may do everything with objects. */
export function generateDemoClient(): IssuerClient {
  return { id: 'demo', secret: randomBytes(24).toString('base64url'), policy: 'readwrite' }
}
