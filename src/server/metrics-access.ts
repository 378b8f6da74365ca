/** Lets another machine read `/metrics` with the bearer token that `mc admin prometheus generate` makes for scrapers. */
import { createSecretKey } from 'node:crypto'
import { readNumber, readString } from '../base/parse.ts'
import type { Credentials } from '../protocol/credentials.ts'
import { verifySessionToken } from '../protocol/jwt/session-token.ts'
import { equalInConstantTime } from '../base/constant-time.ts'

export interface MetricsAccessOptions {
  readonly root: Credentials
  readonly nowMs: () => number
}

/** The claims of such a token, all and no others: a session token is signed with the same secret, and its claims come from elsewhere. */
const claimNames = 'exp,iss,sub'

/**
 * Makes the check of an `Authorization` header: a JWT, HS512 under the root secret, of the root access key for `prometheus`, that has not
 * expired (MinIO, "Collect MinIO metrics using Prometheus").
 */
export function createMetricsAccess({
  root,
  nowMs,
}: MetricsAccessOptions): (authorization: string) => boolean {
  const secret = createSecretKey(root.secretAccessKey, 'utf8')
  return (authorization) => {
    const [, token] = /^Bearer +([\w.-]+)$/i.exec(authorization) ?? []
    const claims = token === undefined ? undefined : verifySessionToken(token, secret)
    if (claims === undefined || Object.keys(claims).toSorted().join() !== claimNames) return false
    const isRoots = equalInConstantTime(readString(claims, 'sub') ?? '', root.accessKeyId)
    const expiresAtSeconds = readNumber(claims, 'exp') ?? 0
    return (
      isRoots && readString(claims, 'iss') === 'prometheus' && nowMs() < expiresAtSeconds * 1000
    )
  }
}
