/** Decodes and checks a token locally. The signature is not verified: that needs the provider's keys. */
import { formatDuration } from '../base/duration.ts'
import { readNumber, readString, readStrings, type JsonObject } from '../base/parse.ts'
import { toPrintable } from '../base/terminal/printable.ts'
import { decodeJwt } from '../protocol/jwt/decode-jwt.ts'

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  readonly message: string
}

export interface TokenReport {
  readonly header: JsonObject
  readonly claims: JsonObject
  readonly findings: readonly Finding[]
}

/**
 * Decodes a JWT and checks it as an STS will.
 *
 * @throws {StsCliError} `ERR_DATA` when it is not a JWT (an opaque token, for example).
 */
export function inspectToken(token: string, nowMs: number): TokenReport {
  const { header, claims } = decodeJwt(token)
  const findings = [
    checkAlgorithm(header),
    checkExpiry(claims, nowMs),
    checkPolicy(claims),
    checkAudience(claims),
    checkSubject(claims),
  ]
  return { header, claims, findings: findings.map(toPrintableFinding) }
}

/** Makes a finding printable. Findings quote claims, which the token's author chose: they must not forge a line or control the terminal. */
function toPrintableFinding({ level, message }: Finding): Finding {
  return { level, message: toPrintable(message, 1000) }
}

function checkAlgorithm(header: JsonObject): Finding {
  const alg = readString(header, 'alg') ?? 'none'
  if (/^(RS|PS|ES)(256|384|512)$|^EdDSA$/.test(alg))
    return { level: 'ok', message: `signed with ${alg}` }
  return {
    level: 'fail',
    message: `algorithm ${alg} is not accepted by an STS: set the client’s signature algorithm to RS256`,
  }
}

function checkExpiry(claims: JsonObject, nowMs: number): Finding {
  const exp = readNumber(claims, 'exp')
  if (exp === undefined) return { level: 'fail', message: 'claim exp is missing' }
  const leftSeconds = exp - nowMs / 1000
  if (leftSeconds <= 0)
    return { level: 'fail', message: `expired ${formatDuration(-leftSeconds)} ago` }
  if (leftSeconds < 900)
    return {
      level: 'warn',
      message: `valid for ${formatDuration(leftSeconds)}: less than the 15m that an STS grants at least`,
    }
  return { level: 'ok', message: `valid for ${formatDuration(leftSeconds)}` }
}

function checkPolicy(claims: JsonObject): Finding {
  const names = readStrings(claims, 'policy')
  if (names.length > 0) return { level: 'ok', message: `policy ${names.join(', ')}` }
  return {
    level: 'warn',
    message:
      'claim policy is missing: without OPA or a role the STS refuses; add a mapper for it at the identity provider',
  }
}

function checkAudience(claims: JsonObject): Finding {
  const audiences = readStrings(claims, 'aud')
  const azp = readString(claims, 'azp')
  if (audiences.length === 0 && azp === undefined)
    return {
      level: 'warn',
      message: 'claims aud and azp are missing: an STS that knows its client id refuses',
    }
  return {
    level: 'ok',
    message: `meant for ${[...audiences, ...(azp === undefined ? [] : [`azp ${azp}`])].join(', ')}`,
  }
}

function checkSubject(claims: JsonObject): Finding {
  if (readString(claims, 'sub') !== undefined)
    return { level: 'ok', message: `subject ${readString(claims, 'sub') ?? ''}` }
  return {
    level: 'warn',
    message:
      'claim sub is missing: MinIO since 2022 refuses; the server of sts-cli takes azp instead',
  }
}
