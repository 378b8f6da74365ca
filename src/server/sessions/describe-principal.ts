import { readString } from '../../base/parse.ts'
import type { Principal } from './principal.ts'

/** Returns what a request's record says about who signed it. The claims `roleArn` and `iss` are the server's own or a verified token's. */
export function describePrincipal({ kind, accessKey, subject, claims }: Principal): {
  readonly kind: Principal['kind']
  readonly subject: string
  readonly accessKeyId: string
  readonly roleArn: string | undefined
  readonly issuer: string | undefined
} {
  const [roleArn, issuer] = [readString(claims, 'roleArn'), readString(claims, 'iss')]
  return { kind, subject, accessKeyId: accessKey, roleArn, issuer }
}
