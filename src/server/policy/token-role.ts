/** A role that a token may assume: whose tokens, with which policies, for how long. */
import { readString } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { splitJwt } from '../../protocol/jwt/decode-jwt.ts'
import type { TokenVerifier, VerifiedToken } from '../identity/token-verifier.ts'
import type { RoleDocument } from './role-document.ts'
import { findDistrust } from './role-trust.ts'

export interface TokenRole {
  readonly arn: string
  readonly policyNames: readonly string[]
  /** Credentials may live this long, however short the token's life is; undefined: no longer than the token. */
  readonly maxDurationSeconds: number | undefined
  /** @throws {AwsError} What the verifier throws; `AccessDenied` for a token that is genuine and not trusted by this role. */
  verify(token: string): Promise<VerifiedToken>
}

/**
 * Makes a role of its document.
 *
 * @param verifiers Issuer → its verifier, for every issuer that the document trusts.
 */
export function createTrustingRole(
  arn: string,
  { policyNames, maxDurationSeconds, trust }: RoleDocument,
  verifiers: ReadonlyMap<string, TokenVerifier>,
): TokenRole {
  return {
    arn,
    policyNames,
    maxDurationSeconds,
    async verify(token) {
      // Not believed yet: it only chooses whose keys must prove it. An issuer that nobody trusts is never asked for its keys.
      const issuer = readString(splitJwt(token)?.claims ?? {}, 'iss') ?? ''
      const candidates = trust.filter((entry) => entry.issuer === issuer)
      const verifier = verifiers.get(issuer)
      if (candidates.length === 0 || verifier === undefined)
        throw new AwsError('AccessDenied', `the role ${arn} does not trust the token’s issuer`)
      const verified = await verifier.verify(token)
      const distrusts = candidates.map((entry) => findDistrust(entry, verified.claims))
      if (distrusts.some((claims) => claims.length === 0)) return verified
      const claims = [...new Set(distrusts.flat())].join(', ')
      throw new AwsError(
        'AccessDenied',
        `the role ${arn} does not trust this token: see its ${claims}`,
      )
    },
  }
}
