/** Calls to an STS: a form goes out, credentials or an error come back. */
import { StsCliError } from '../base/errors.ts'
import { sendHttp, type HttpAnswer } from '../base/http/http-client.ts'
import { AwsError } from '../protocol/aws-error.ts'
import type { TemporaryCredentials } from '../protocol/credentials.ts'
import { sha256Hex } from '../protocol/digest.ts'
import type { ExchangeOptions, NetOptions, StsActionName } from './options.ts'
import { toStsError } from './to-sts-error.ts'

const wireNames: Readonly<Record<StsActionName, string>> = {
  'client-grants': 'AssumeRoleWithClientGrants',
  'web-identity': 'AssumeRoleWithWebIdentity',
  'assume-role': 'AssumeRole',
  ldap: 'AssumeRoleWithLDAPIdentity',
  certificate: 'AssumeRoleWithCertificate',
  'custom-token': 'AssumeRoleWithCustomToken',
}

/** MinIO reads these from the query only (docs/wire.md §1.1); all others go in the body, which is in no access log. */
const queryActions: ReadonlySet<StsActionName> = new Set(['certificate', 'custom-token'])
/** The actions that a server of 2018 may have, which reads the query only. */
const oldActions: ReadonlySet<StsActionName> = new Set(['client-grants', 'web-identity'])

/** The minimum of MinIO and AWS; MinIO refuses a request for less. */
const minDurationSeconds = 900
const maxDurationSeconds = 31_536_000

export interface TokenToExchange {
  /** As the identity provider gave it; undefined for actions that take none. */
  readonly token: string | undefined
  /** The token's own lifetime, which is requested when no other is given and it is long enough. */
  readonly expiresInSeconds: number | undefined
  /** The time of the signature of `assume-role`. */
  readonly nowMs: number
}

/**
 * Exchanges a token (or, for `assume-role`, a signature) for temporary credentials.
 *
 * @throws {StsCliError} `ERR_REFUSED` with the server's code; `ERR_UNAVAILABLE` for 5xx; `ERR_TIMEOUT` for 429; `ERR_PROTOCOL` for an answer that is not an STS document.
 */
export async function exchangeToken(
  { token, expiresInSeconds, nowMs }: TokenToExchange,
  options: ExchangeOptions,
  net: NetOptions,
): Promise<TemporaryCredentials> {
  const action = wireNames[options.action]
  const { decodeStsAnswer } = await import('../protocol/sts-wire.ts')
  const form = buildForm(
    action,
    token,
    chooseDuration(options.durationSeconds, expiresInSeconds),
    options,
  ).toString()
  const url = new URL(options.stsEndpoint)
  const headers = await buildHeaders({ url, form, nowMs }, options)
  const sendByQuery = (): Promise<HttpAnswer> =>
    sendHttp(
      { method: 'POST', url: new URL(`?${form}`, url), headers: {}, body: '' },
      { ...net, stage: 'sts' },
    )
  const sendByForm = (): Promise<HttpAnswer> =>
    sendHttp({ method: 'POST', url, headers, body: form }, { ...net, stage: 'sts' })
  let answer = await (queryActions.has(options.action) ? sendByQuery() : sendByForm())
  // Servers before 2019 answer a form with 405 (docs/wire.md §11.2); a form keeps tokens out of access logs, so it is tried first.
  if (answer.status === 405 && oldActions.has(options.action)) answer = await sendByQuery()
  try {
    const { credentials } = decodeStsAnswer(action, answer.status, answer.body.toString('utf8'))
    if (credentials === undefined)
      throw new StsCliError('sts-credentials-missing', 'the STS answered without credentials', {
        stage: 'sts',
      })
    return credentials
  } catch (error) {
    if (error instanceof AwsError) throw toStsError(error)
    if (answer.status < 500 && answer.status !== 429) throw error
    // A page of a proxy or a load balancer: the STS behind it does not answer.
    const reason = answer.status === 429 ? 'sts-proxy-busy' : 'sts-proxy-error'
    throw new StsCliError(reason, `${url.host} answered with an error`, {
      stage: 'sts',
      httpStatus: answer.status,
      cause: error,
    })
  }
}

function chooseDuration(
  asked: number | undefined,
  expiresInSeconds: number | undefined,
): number | undefined {
  if (asked !== undefined) return asked
  if (expiresInSeconds === undefined || expiresInSeconds < minDurationSeconds) return undefined
  return Math.min(expiresInSeconds, maxDurationSeconds)
}

function buildForm(
  action: string,
  token: string | undefined,
  durationSeconds: number | undefined,
  options: ExchangeOptions,
): URLSearchParams {
  const form = new URLSearchParams({ Action: action, Version: '2011-06-15' })
  if (token !== undefined)
    form.set(options.action === 'web-identity' ? 'WebIdentityToken' : 'Token', token)
  if (options.ldap !== undefined) {
    form.set('LDAPUsername', options.ldap.username)
    form.set('LDAPPassword', options.ldap.password)
  }
  if (durationSeconds !== undefined) form.set('DurationSeconds', String(durationSeconds))
  if (options.policy !== undefined) form.set('Policy', options.policy)
  if (options.roleArn !== undefined) form.set('RoleArn', options.roleArn)
  if (options.roleSessionName !== undefined) form.set('RoleSessionName', options.roleSessionName)
  return form
}

async function buildHeaders(
  { url, form, nowMs }: { url: URL; form: string; nowMs: number },
  options: ExchangeOptions,
): Promise<Record<string, string>> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  if (options.signWith === undefined) return headers
  const { signRequest } = await import('../protocol/sigv4/sign.ts')
  return signRequest(
    { method: 'POST', url, headers, payloadHash: sha256Hex(form) },
    options.signWith,
    { region: options.region, service: 'sts', nowMs },
  )
}
