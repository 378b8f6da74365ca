/** A role that a token may assume: its trusted issuers, its policies and the maximum lifetime of its credentials. */
import { readString, type JsonObject } from '../../base/parse.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { splitJwt } from '../../protocol/jwt/decode-jwt.ts'
import type { TokenVerifier, VerifiedToken } from '../identity/token-verifier.ts'
import type { RoleDocument } from './role-document.ts'
import type { PrincipalTrust } from './role-principals.ts'
import { findUntrustedClaims, type TrustedRequest } from './role-trust.ts'

export interface TokenRole {
  readonly arn: string
  readonly policyNames: readonly string[]
  /** The maximum lifetime of the credentials, even when the token expires sooner. Undefined: the credentials expire with the token. */
  readonly maxDurationSeconds: number | undefined
  /** Who may assume the role by AssumeRole; nobody if left out. */
  readonly principals?: readonly PrincipalTrust[] | undefined
  /**
   * Verifies a token and checks that the role trusts it.
   *
   * @param describe Returns what the request brings besides the token, once the token's claims are verified. Only trusts of role files ask for it.
   * @throws {AwsError} The errors of `TokenVerifier.verify`; `AccessDenied` for a valid token that the role does not trust.
   */
  verify(token: string, describe?: (claims: JsonObject) => TrustedRequest): Promise<VerifiedToken>
}

/**
 * Returns the role of a role file.
 *
 * @param verifiers The verifier of every issuer that the file trusts, by issuer.
 */
export function createTokenRole(
  arn: string,
  { policyNames, maxDurationSeconds, trust, principals }: RoleDocument,
  verifiers: ReadonlyMap<string, TokenVerifier>,
): TokenRole {
  return {
    arn,
    policyNames,
    maxDurationSeconds,
    principals,
    async verify(token, describe) {
      // The claims are not verified yet. The issuer only selects the verifier, and only a trusted issuer is asked for its keys.
      const decoded = splitJwt(token)
      if (decoded === undefined) throw new AwsError('InvalidParameterValue', 'token is not a JWT')
      const issuer = readString(decoded.claims, 'iss') ?? ''
      const candidates = trust.filter((entry) => entry.issuer === issuer)
      const verifier = verifiers.get(issuer)
      if (candidates.length === 0 || verifier === undefined)
        throw new AwsError('AccessDenied', `the role ${arn} does not trust the token’s issuer`)
      const verified = await verifier.verify(token)
      const brought = describe?.(verified.claims)
      const untrusted = candidates.map((entry) =>
        findUntrustedClaims(entry, verified.claims, brought),
      )
      if (untrusted.some((claims) => claims.length === 0)) return verified
      const claims = [...new Set(untrusted.flat())].join(', ')
      throw new AwsError(
        'AccessDenied',
        `the role ${arn} does not trust this token: see its ${claims}`,
      )
    },
  }
}
