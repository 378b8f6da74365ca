/** `clientGrants()`: what AWS's SDK calls whenever it signs. */
import { StsCliError } from '../../base/errors.ts'
import { renewalMarginSeconds } from '../credential-cache.ts'
import type { ObtainOptions } from '../options.ts'
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
  /** 900 or more; left out, the token's own life. */
  readonly durationSeconds?: number
  /** Session policy, JSON. */
  readonly policy?: string
  /** PEM file of an authority to trust besides the built-in ones. */
  readonly caFile?: string
  /** For each of the two requests, retries included; 30 000 when left out. */
  readonly timeoutMs?: number
}

/** What AWS SDK v3 takes as `credentials`. */
export interface AwsCredentialIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}

/**
 * A credential provider: token by client credentials, traded by `AssumeRoleWithClientGrants`, renewed by itself. However many callers ask
 * at once, one renewal serves them all; when a renewal fails while the old credentials still live, they go on serving.
 *
 * @returns A function that AWS SDK v3 accepts as `credentials`; `forceRefresh` asks anew.
 * The promise rejects with an error that has a `code`, a `stage` and a `hint`.
 */
export function clientGrants(
  options: ClientGrantsOptions,
): (request?: { forceRefresh?: boolean }) => Promise<AwsCredentialIdentity> {
  const obtain = prepare(options)
  let current: { identity: AwsCredentialIdentity; renewAtMs: number } | undefined
  let renewing: Promise<AwsCredentialIdentity> | undefined
  const renew = async (): Promise<AwsCredentialIdentity> => {
    try {
      const issuedAtMs = Date.now()
      const identity = await obtain(issuedAtMs)
      const expiresAtMs = identity.expiration.getTime()
      const marginMs = renewalMarginSeconds({ issuedAtMs, expiresAtMs }) * 1000
      current = { identity, renewAtMs: expiresAtMs - marginMs }
      return identity
    } finally {
      renewing = undefined
    }
  }
  return async (request) => {
    const isGood = current !== undefined && Date.now() < current.renewAtMs
    if (current !== undefined && isGood && request?.forceRefresh !== true) return current.identity
    renewing ??= renew()
    const previous = current?.identity
    try {
      return await renewing
    } catch (error) {
      if (previous !== undefined && Date.now() < previous.expiration.getTime()) return previous
      throw error
    }
  }
}

function prepare(options: ClientGrantsOptions): (nowMs: number) => Promise<AwsCredentialIdentity> {
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
  const exchange: ObtainOptions['exchange'] = {
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
    const credentials = await exchangeToken({ token, expiresInSeconds, nowMs }, exchange, net)
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials
    return { accessKeyId, secretAccessKey, sessionToken, expiration }
  }
}

/** @throws {StsCliError} `ERR_USAGE`; without the value where it may hold a password. */
function checkUrl(name: string, value: unknown): void {
  const text = typeof value === 'string' ? value : ''
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return
  const said = text.includes('@') ? '' : `${JSON.stringify(value)} `
  throw new StsCliError('ERR_USAGE', `${name} ${said}is not an http or https URL`, {
    stage: 'config',
    hint: 'write it whole, with https://',
  })
}
