/** Verifies an identity provider's token with the provider's keys and the operator's settings. */
import { createBatch } from '../../base/batch.ts'
import type { Log } from '../../base/log.ts'
import { readString, readStrings, type JsonObject } from '../../base/parse.ts'
import type { FetchJson } from '../../base/http/json-client.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { parseDiscovery } from '../../protocol/discovery.ts'
import { verifyJwt, type JwtVerdict } from '../../protocol/jwt/verify-jwt.ts'
import { readNames } from '../sessions/read-names.ts'
import { createKeySet } from './key-set.ts'

export interface TokenVerifierOptions {
  /** URL of the key set (MINIO_IAM_JWKS_URL, MinIO's setting of 2018). Either this or `configUrl` is set. */
  readonly jwksUrl?: string | undefined
  /** URL of the discovery document (MINIO_IDENTITY_OPENID_CONFIG_URL). The token's `iss` must then be the document's issuer. */
  readonly configUrl?: string | undefined
  /** The client that the token must name in `aud` or `azp` (docs/wire.md §4.3); undefined to accept any. */
  readonly clientId?: string | undefined
  readonly fetchJson: FetchJson
  readonly nowMs: () => number
  readonly log: Log
}

/** A token whose signature, expiry, issuer and audience were checked. */
export interface VerifiedToken {
  readonly subject: string
  readonly claims: JsonObject
  readonly expiresAtMs: number
}

export interface TokenVerifier {
  /**
   * Verifies a token.
   *
   * @throws {AwsError} `ExpiredToken` for an expired token; `InvalidParameterValue`, which names any other problem of the token;
   *   `ServiceUnavailable` when the provider's keys cannot be loaded.
   */
  verify(token: string): Promise<VerifiedToken>
  /** Returns whether there are keys to verify tokens with. Loads them when there are none. */
  checkReady(): Promise<boolean>
}

const clockToleranceSeconds = 60

/** Returns a verifier. The keys are fetched when the first token arrives. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  let issuer: string | undefined
  const findJwksUrl = async (): Promise<string> => {
    if (options.jwksUrl !== undefined) return options.jwksUrl
    const configUrl = options.configUrl ?? ''
    const discovery = parseDiscovery(await options.fetchJson(configUrl))
    if (discovery?.jwksUri === undefined)
      throw new Error(`${configUrl} is not a discovery document with a jwks_uri`)
    issuer = discovery.issuer
    return discovery.jwksUri
  }
  const keySet = createKeySet({
    findJwksUrl,
    fetchJson: options.fetchJson,
    nowMs: options.nowMs,
    log: options.log,
  })

  const batch = createBatch()
  const check = (token: string): Promise<JwtVerdict> =>
    batch(() =>
      verifyJwt(token, keySet.findCached, { nowMs: options.nowMs(), clockToleranceSeconds }),
    )
  /** Checks a token once more with new keys: the provider may have rotated them since the last fetch. */
  const checkWithNewKeys = async (token: string): Promise<JwtVerdict> => {
    if (keySet.canRefresh()) await keySet.refresh()
    if (keySet.hasKeys()) return check(token)
    throw new AwsError(
      'ServiceUnavailable',
      'the identity provider’s keys cannot be loaded; try again',
    )
  }

  return {
    async verify(token) {
      await keySet.ensureFresh()
      let verdict = await check(token)
      if (verdict.outcome === 'unknown-key') verdict = await checkWithNewKeys(token)
      if (verdict.outcome !== 'valid') throw invalidToken(verdict.outcome, verdict.message)
      checkIssuer(verdict.claims, issuer)
      if (options.clientId !== undefined) checkAudience(verdict.claims, options.clientId)
      return {
        subject: readSubject(verdict.claims),
        claims: verdict.claims,
        expiresAtMs: verdict.expiresAtMs,
      }
    },
    async checkReady() {
      await keySet.ensureFresh()
      return keySet.hasKeys()
    },
  }
}

function invalidToken(outcome: JwtVerdict['outcome'], message: string): AwsError {
  return new AwsError(outcome === 'expired' ? 'ExpiredToken' : 'InvalidParameterValue', message)
}

function checkIssuer(claims: JsonObject, issuer: string | undefined): void {
  if (issuer === undefined || readString(claims, 'iss') === issuer) return
  throw new AwsError('InvalidParameterValue', `claim iss is not the configured issuer ${issuer}`)
}

function checkAudience(claims: JsonObject, clientId: string): void {
  if (readString(claims, 'azp') === clientId || readNames(claims['aud']).includes(clientId)) return
  throw new AwsError(
    'InvalidParameterValue',
    `neither claim aud nor azp names the client ${clientId}`,
  )
}

/**
 * Returns the subject of a token: `sub`, or else the client in `azp`, `client_id` or a single `aud`. WSO2's client-credentials tokens of
 * 2018 have no `sub`, and MinIO's quickstart of that year uses them.
 *
 * @throws {AwsError} `InvalidParameterValue` when the token has none of these claims.
 */
export function readSubject(claims: JsonObject): string {
  const audiences = readStrings(claims, 'aud')
  const audience = audiences.length === 1 ? audiences[0] : undefined
  const subject =
    readString(claims, 'sub') ||
    readString(claims, 'azp') ||
    readString(claims, 'client_id') ||
    audience
  if (subject === undefined || subject === '')
    throw new AwsError(
      'InvalidParameterValue',
      'claim sub is missing, and so are azp, client_id and a single aud',
    )
  return subject
}
