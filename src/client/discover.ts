/** Discovery: from an issuer to its endpoints (OpenID Connect Discovery 1.0 §4, RFC 8414 §3). */
import { StsCliError } from '../base/errors.ts'
import { sendHttp } from '../base/http-client.ts'
import { isLoopback } from '../base/loopback.ts'
import { parseJson } from '../base/parse.ts'
import { discoveryUrl, parseDiscovery } from '../protocol/discovery.ts'
import type { NetOptions } from './options.ts'

/**
 * Finds an issuer's token endpoint.
 *
 * @throws {StsCliError} `ERR_PROTOCOL` when the document is none, names another issuer (§4.3: it could be an impostor's), or an endpoint
 *   that would carry the secret in the clear.
 */
export async function discoverProvider(issuer: string, net: NetOptions): Promise<URL> {
  const url = new URL(discoveryUrl(issuer))
  const answer = await sendHttp(
    { method: 'GET', url, headers: { accept: 'application/json' } },
    { ...net, stage: 'idp' },
  )
  const refuse = (message: string, hint?: string): StsCliError =>
    new StsCliError('ERR_PROTOCOL', message, { stage: 'idp', httpStatus: answer.status, hint })
  const document =
    answer.status === 200 ? parseDiscovery(parseJson(answer.body.toString('utf8'))) : undefined
  if (document === undefined)
    throw refuse(`${url.href} is no discovery document`, 'check --issuer, or name -idp-ep itself')
  if (document.issuer.replace(/\/$/, '') !== issuer.replace(/\/$/, ''))
    throw refuse(
      `the discovery document names another issuer: ${JSON.stringify(document.issuer.slice(0, 200))}`,
      'use exactly that one for --issuer if you trust it',
    )
  const { tokenEndpoint } = document
  if (tokenEndpoint === undefined) throw refuse('the discovery document names no token endpoint')
  if (
    issuer.startsWith('https:') &&
    !tokenEndpoint.startsWith('https:') &&
    !isLoopback(tokenEndpoint)
  )
    throw refuse('the discovery document names a token endpoint without https')
  return new URL(tokenEndpoint)
}
