/** `clientGrants()`: the credential provider that AWS's SDK calls whenever it signs. */
import { StsCliError } from '../../base/errors.ts'
import type { IssuedCredentials } from '../../protocol/credentials.ts'
import { findUsable } from '../find-usable.ts'
import type { ExchangeOptions } from '../options.ts'
import { exchangeToken } from '../sts-client.ts'
import { obtainClientCredentialsToken } from '../token/client-credentials.ts'

export interface ClientGrantsOptions {
  /** The identity provider's token endpoint. */
  readonly tokenEndpoint: string
  readonly stsEndpoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post'
  readonly scope?: string
  readonly audience?: string
  /** 900 or more; when omitted, the token's own lifetime. */
  readonly durationSeconds?: number
  /** Session policy, JSON. */
  readonly policy?: string
  /** PEM file of a CA to trust besides the built-in ones. */
  readonly caFile?: string
  /** For each of the two requests, retries included; 30 000 when omitted. */
  readonly timeoutMs?: number
}

/** The credentials of AWS SDK v3. */
export interface AwsCredentialIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}

/**
 * Makes a credential provider: it gets a token by client credentials, exchanges it by `AssumeRoleWithClientGrants`, and renews by itself. One
 * renewal serves all callers that ask at once; when it fails, the old credentials go on serving until they expire.
 *
 * @returns A function that AWS SDK v3 accepts as `credentials`; `forceRefresh` gets new ones.
 * The promise rejects with a `StsCliError`; its `reason` says why, such as `connection-refused` or `token-request-refused`.
 */
export function clientGrants(
  options: ClientGrantsOptions,
): (request?: { forceRefresh?: boolean }) => Promise<AwsCredentialIdentity> {
  const obtain = prepare(options)
  let current: Provided | undefined
  let renewing: Promise<Provided> | undefined
  const renew = async (): Promise<Provided> => {
    try {
      current = await obtain(Date.now())
      return current
    } finally {
      renewing = undefined
    }
  }
  return async (request) => {
    const usable = findUsable(current, Date.now())
    if (usable !== undefined && request?.forceRefresh !== true) return usable.identity
    renewing ??= renew()
    const previous = current
    try {
      return (await renewing).identity
    } catch (error) {
      const unexpired = findUsable(previous, Date.now(), 0)
      if (unexpired === undefined) throw error
      return unexpired.identity
    }
  }
}

/** Issued credentials with what the SDK is given: one object for all callers. */
interface Provided extends IssuedCredentials {
  readonly identity: AwsCredentialIdentity
}

function prepare(options: ClientGrantsOptions): (nowMs: number) => Promise<Provided> {
  const { tokenEndpoint, stsEndpoint, clientId, clientSecret, scope, audience, policy } = options
  const source = {
    grant: 'client-credentials' as const,
    tokenEndpoint,
    clientId,
    clientSecret,
    scope,
    audience,
    authMethod: options.authMethod ?? ('client_secret_basic' as const),
  }
  const exchange: ExchangeOptions = {
    stsEndpoint,
    action: 'client-grants',
    durationSeconds: options.durationSeconds,
    policy,
    region: 'us-east-1',
  }
  const timeoutMs = options.timeoutMs ?? 30_000
  const net = { timeoutMs, retries: 3, caFile: options.caFile, env: process.env }
  return async (nowMs) => {
    checkUrl('tokenEndpoint', tokenEndpoint)
    checkUrl('stsEndpoint', stsEndpoint)
    const { token, expiresInSeconds } = await obtainClientCredentialsToken(source, net)
    const answer = await exchangeToken({ token, expiresInSeconds, nowMs }, exchange, net)
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = answer
    const identity = { accessKeyId, secretAccessKey, sessionToken, expiration }
    return {
      ...answer,
      identity,
      expiresAtMs: expiration.getTime(),
      issuedAtMs: nowMs,
      stsEndpoint,
    }
  }
}

/** Checks an endpoint. @throws {StsCliError} `ERR_USAGE`, without the value where it may hold a password. */
function checkUrl(name: string, value: unknown): void {
  const text = typeof value === 'string' ? value : ''
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return
  const said = text.includes('@') ? '' : `${JSON.stringify(value)} `
  throw new StsCliError('url-invalid', `${name} ${said}is not an http or https URL`, {
    stage: 'config',
    hint: 'write it whole, with https://',
  })
}
