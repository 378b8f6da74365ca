/** Verifies an identity provider's token against its key set and the operator's settings. */
import { createBatch } from '../../base/batch.ts'
import type { Log } from '../../base/log.ts'
import { readString, readStrings, type JsonObject } from '../../base/parse.ts'
import type { FetchJson } from '../../base/http/json-client.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import { parseDiscovery } from '../../protocol/discovery.ts'
import { verifyJwt, type JwtVerdict } from '../../protocol/jwt/verify-jwt.ts'
import { createKeySet } from './key-set.ts'

export interface TokenVerifierOptions {
  /** 2018: the key set's address itself (MINIO_IAM_JWKS_URL). One of this and `configUrl`. */
  readonly jwksUrl?: string | undefined
  /** Discovery document (MINIO_IDENTITY_OPENID_CONFIG_URL); its issuer must then be the token's. */
  readonly configUrl?: string | undefined
  /** The token must be meant for this client: in `aud`, else in `azp` (docs/wire.md §4.3). */
  readonly clientId?: string | undefined
  readonly fetchJson: FetchJson
  readonly nowMs: () => number
  readonly log: Log
}

export interface VerifiedToken {
  readonly subject: string
  readonly claims: JsonObject
  readonly expiresAtMs: number
}

export interface TokenVerifier {
  /** @throws {AwsError} `ExpiredToken` for an expired token, `InvalidParameterValue` naming what else is wrong. */
  verify(token: string): Promise<VerifiedToken>
  /** Whether there are keys to verify with; fetches them when there are none. */
  checkReady(): Promise<boolean>
}

const clockToleranceSeconds = 60

/** Makes a verifier; nothing is fetched before the first token. */
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
  /** The keys may have been rotated since they were fetched. */
  const checkAgain = async (token: string): Promise<JwtVerdict> => {
    if (keySet.canRefresh()) await keySet.refresh()
    if (keySet.hasKeys) return check(token)
    throw new AwsError(
      'ServiceUnavailable',
      'the identity provider’s keys cannot be loaded; try again',
    )
  }

  return {
    async verify(token) {
      if (!keySet.hasKeys && keySet.canRefresh()) await keySet.refresh()
      let verdict = await check(token)
      if (verdict.outcome === 'unknown-key') verdict = await checkAgain(token)
      if (verdict.outcome !== 'valid') throw refuse(verdict.outcome, verdict.message)
      checkIssuer(verdict.claims, issuer)
      if (options.clientId !== undefined) checkAudience(verdict.claims, options.clientId)
      return {
        subject: readSubject(verdict.claims),
        claims: verdict.claims,
        expiresAtMs: verdict.expiresAtMs,
      }
    },
    async checkReady() {
      if (!keySet.hasKeys && keySet.canRefresh()) await keySet.refresh()
      return keySet.hasKeys
    },
  }
}

function refuse(outcome: JwtVerdict['outcome'], message: string): AwsError {
  return new AwsError(outcome === 'expired' ? 'ExpiredToken' : 'InvalidParameterValue', message)
}

function checkIssuer(claims: JsonObject, issuer: string | undefined): void {
  if (issuer === undefined || readString(claims, 'iss') === issuer) return
  throw new AwsError('InvalidParameterValue', `claim iss is not the configured issuer ${issuer}`)
}

function checkAudience(claims: JsonObject, clientId: string): void {
  const audiences = readStrings(claims, 'aud').flatMap((value) =>
    value.split(',').map((part) => part.trim()),
  )
  if (audiences.includes(clientId) || readString(claims, 'azp') === clientId) return
  throw new AwsError(
    'InvalidParameterValue',
    `neither claim aud nor azp names the client ${clientId}`,
  )
}

/**
 * Whom a token speaks of: `sub`, else the client. WSO2's client-credentials tokens of 2018 have no subject, and the quickstart must work.
 *
 * @throws {AwsError} `InvalidParameterValue` when there is none of these claims.
 */
export function readSubject(claims: JsonObject): string {
  const audiences = readStrings(claims, 'aud')
  const candidates = [
    readString(claims, 'sub'),
    readString(claims, 'azp'),
    readString(claims, 'client_id'),
    audiences.length === 1 ? audiences[0] : undefined,
  ]
  const subject = candidates.find((candidate) => candidate !== undefined && candidate !== '')
  if (subject === undefined)
    throw new AwsError(
      'InvalidParameterValue',
      'claim sub is missing, and so are azp, client_id and a single aud',
    )
  return subject
}
