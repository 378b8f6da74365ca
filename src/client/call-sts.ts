/** One request to an STS: a form goes out, a result or an error comes back. */
import { StsCliError } from '../base/errors.ts'
import { sendHttp, type HttpAnswer } from '../base/http/http-client.ts'
import { AwsError } from '../protocol/aws-error.ts'
import type { Credentials } from '../protocol/credentials.ts'
import { sha256Hex } from '../protocol/digest.ts'
import type { StsAnswer } from '../protocol/sts-wire.ts'
import { chooseSigningRegion } from '../protocol/aws-endpoint.ts'
import type { NetOptions } from './options.ts'
import { toStsError } from './to-sts-error.ts'

/** MinIO reads these from the query only (docs/wire.md §1.1); all others go in the body, which is in no access log. */
const queryActions: ReadonlySet<string> = new Set([
  'AssumeRoleWithCertificate',
  'AssumeRoleWithCustomToken',
])
/** The actions that a server of 2018 may have, which reads the query only. */
const oldActions: ReadonlySet<string> = new Set([
  'AssumeRoleWithClientGrants',
  'AssumeRoleWithWebIdentity',
])

export interface StsCall {
  readonly endpoint: string
  /** With `Action` and `Version`. */
  readonly form: URLSearchParams
  /** The keys that sign the request; undefined: it is not signed. */
  readonly signWith?: Credentials | undefined
  /** The region to sign for, where the endpoint does not tell it. */
  readonly region: string
  readonly nowMs: number
  /** The role to name in a refusal, where there are several. */
  readonly roleName?: string | undefined
}

/**
 * Sends a request and decodes the answer.
 *
 * @throws {StsCliError} `ERR_REFUSED` with the server's code; `ERR_UNAVAILABLE` for 5xx; `ERR_TIMEOUT` for 429; `ERR_PROTOCOL` for an answer that is not an STS document.
 */
export async function callSts(call: StsCall, net: NetOptions): Promise<StsAnswer> {
  const action = call.form.get('Action') ?? ''
  const { decodeStsAnswer } = await import('../protocol/sts-wire.ts')
  const answer = await send(action, call, net)
  try {
    return decodeStsAnswer(action, answer.status, answer.body.toString('utf8'))
  } catch (error) {
    if (error instanceof AwsError) throw toStsError(error, call.roleName)
    if (answer.status < 500 && answer.status !== 429) throw error
    // A page of a proxy or a load balancer: the STS behind it does not answer.
    const reason = answer.status === 429 ? 'sts-proxy-busy' : 'sts-proxy-error'
    throw new StsCliError(reason, `${new URL(call.endpoint).host} answered with an error`, {
      stage: 'sts',
      httpStatus: answer.status,
      cause: error,
    })
  }
}

async function send(action: string, call: StsCall, net: NetOptions): Promise<HttpAnswer> {
  const form = call.form.toString()
  const url = new URL(call.endpoint)
  const headers = await buildHeaders({ url, form }, call)
  const sendByQuery = (): Promise<HttpAnswer> =>
    sendHttp(
      { method: 'POST', url: new URL(`?${form}`, url), headers: {}, body: '' },
      { ...net, stage: 'sts' },
    )
  if (queryActions.has(action)) return sendByQuery()
  const answer = await sendHttp(
    { method: 'POST', url, headers, body: form },
    { ...net, stage: 'sts' },
  )
  // Servers before 2019 answer a form with 405 (docs/wire.md §11.2); a form keeps tokens out of access logs, so it is tried first.
  return answer.status === 405 && oldActions.has(action) ? sendByQuery() : answer
}

async function buildHeaders(
  { url, form }: { url: URL; form: string },
  { signWith, region, nowMs }: StsCall,
): Promise<Record<string, string>> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  if (signWith === undefined) return headers
  const { signRequest } = await import('../protocol/sigv4/sign.ts')
  return signRequest({ method: 'POST', url, headers, payloadHash: sha256Hex(form) }, signWith, {
    region: chooseSigningRegion(url.href, region),
    service: 'sts',
    nowMs,
  })
}
