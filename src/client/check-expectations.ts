/**
 * Checks whose credentials an STS issued. They guard against the wrong address, profile or role; a server that lies about itself can lie here
 * too, and only its TLS certificate tells that it is the right one.
 */
import { StsCliError } from '../base/errors.ts'
import { readString } from '../base/parse.ts'
import { toPrintable } from '../base/terminal/printable.ts'
import type { TemporaryCredentials } from '../protocol/credentials.ts'
import { splitJwt } from '../protocol/jwt/decode-jwt.ts'
import type { StsAnswer } from '../protocol/sts-wire.ts'
import { callSts } from './call-sts.ts'
import type { ExchangeOptions, NetOptions } from './options.ts'

/**
 * Checks the token's `iss` before the token goes to the STS. A token that is not a JWT passes: then the STS has to name the issuer.
 *
 * @throws {StsCliError} `ERR_REFUSED` for another issuer, or none.
 */
export function checkTokenIssuer(token: string | undefined, expected: string): void {
  const jwt = splitJwt(token ?? '')
  if (jwt === undefined) return
  const issuer = readString(jwt.claims, 'iss')
  if (issuer === undefined || !isSameIssuer(issuer, expected))
    throw mismatchError('issuer-unexpected', 'the token is from', { found: issuer, expected })
}

/**
 * Checks the answer's `Provider` (AssumeRoleWithWebIdentity at AWS and Ceph): the issuer, with or without `https://`, or the ARN of the
 * provider in IAM, which ends with the issuer's host and path. An STS that does not send one has only the token, whose `iss` was checked.
 *
 * @throws {StsCliError} `ERR_REFUSED` for another provider, and where neither the token nor the STS says who issued the token.
 */
export function checkProvider(
  { answer, token }: { readonly answer: StsAnswer; readonly token: string | undefined },
  expected: string,
): void {
  const { provider } = answer
  if (provider === undefined) {
    if (splitJwt(token ?? '') !== undefined) return
    throw unknownError('the token is not a JWT and the STS names no provider', expected)
  }
  const named = /^arn:[^:]*:iam:[^:]*:[^:]*:oidc-provider\/(.+)$/.exec(provider)?.[1] ?? provider
  if (!isSameIssuer(named, expected))
    throw mismatchError('issuer-unexpected', 'the STS took the token as one of', {
      found: named,
      expected,
    })
}

/** Compares two issuers. A provider in IAM is named without the scheme; a final slash does not count. */
function isSameIssuer(found: string, expected: string): boolean {
  const wanted = stripSlash(expected)
  if (stripSlash(found) === wanted) return true
  return !found.includes('://') && stripSlash(`https://${found}`) === wanted
}

function stripSlash(issuer: string): string {
  return issuer.replace(/\/$/, '')
}

export interface IssuedAnswer {
  readonly answer: StsAnswer
  readonly credentials: TemporaryCredentials
  readonly nowMs: number
}

/**
 * Checks the account: that of `AssumedRoleUser` in the answer, or else what GetCallerIdentity answers to the new credentials.
 *
 * @throws {StsCliError} `ERR_REFUSED` for another account, and where the STS says none (MinIO); what `callSts` throws.
 */
export async function checkAccount(
  { answer, credentials, nowMs }: IssuedAnswer,
  { stsEndpoint, region, expectAccount = '' }: ExchangeOptions,
  net: NetOptions,
): Promise<void> {
  const inAnswer = readAccount(answer.assumedRole?.arn ?? '')
  const account =
    inAnswer ?? (await askAccount({ credentials, nowMs, stsEndpoint, region }, expectAccount, net))
  if (account !== expectAccount)
    throw mismatchError('account-unexpected', 'the credentials are those of the account', {
      found: account,
      expected: expectAccount,
    })
}

/** Returns the account in an ARN (`arn:PARTITION:sts::ACCOUNT:…`); undefined where it has none. */
function readAccount(arn: string): string | undefined {
  const [scheme, , , , account] = arn.split(':')
  return scheme === 'arn' && account !== undefined && account !== '' ? account : undefined
}

async function askAccount(
  {
    credentials,
    nowMs,
    stsEndpoint,
    region,
  }: { credentials: TemporaryCredentials; nowMs: number; stsEndpoint: string; region: string },
  expected: string,
  net: NetOptions,
): Promise<string> {
  const form = new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' })
  const call = { endpoint: stsEndpoint, form, signWith: credentials, region, nowMs }
  try {
    const { callerIdentity } = await callSts(call, net)
    if (callerIdentity !== undefined && callerIdentity.account !== '') return callerIdentity.account
  } catch (error) {
    // MinIO has no such action. Where the STS cannot be reached, trying again may help.
    if (!(error instanceof StsCliError) || error.code !== 'ERR_REFUSED') throw error
    throw unknownError('the STS does not say whose account they are of', expected, error)
  }
  throw unknownError('the STS does not say whose account they are of', expected)
}

function mismatchError(
  reason: 'account-unexpected' | 'issuer-unexpected',
  what: string,
  { found, expected }: { readonly found: string | undefined; readonly expected: string },
): StsCliError {
  const said = found === undefined ? 'nobody' : toPrintable(found, 300)
  return new StsCliError(reason, `${what} ${said}, not ${expected}`, { stage: 'sts' })
}

function unknownError(why: string, expected: string, cause?: StsCliError): StsCliError {
  return new StsCliError('expectation-unverifiable', `${why}, so ${expected} cannot be checked`, {
    stage: 'sts',
    cause,
  })
}
