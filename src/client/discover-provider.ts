/** Discovery: from an issuer to its endpoints (OpenID Connect Discovery 1.0 §4, RFC 8414 §3). */
import type { ErrorReason } from '../base/error-reasons.ts'
import { StsCliError } from '../base/errors.ts'
import { sendHttp } from '../base/http/http-client.ts'
import { isLoopback } from '../base/http/loopback.ts'
import { isObject, parseJson, type JsonObject } from '../base/parse.ts'
import { discoveryUrl, parseDiscovery } from '../protocol/discovery.ts'
import type { NetOptions } from './options.ts'

export interface ProviderMetadata {
  readonly tokenEndpoint: URL
  /** The whole document, for openid-client. */
  readonly document: JsonObject
}

/**
 * Finds an issuer's endpoints.
 *
 * @param missing The error's reason when there is no document.
 * @throws {StsCliError} `ERR_PROTOCOL` when the answer is not a discovery document, or names another issuer (§4.3: it could be an
 *   impostor's), or an endpoint that would get secrets in clear text.
 */
export async function discoverProvider(
  issuer: string,
  net: NetOptions,
  missing: ErrorReason = 'discovery-document-missing',
): Promise<ProviderMetadata> {
  const url = new URL(discoveryUrl(issuer))
  const answer = await sendHttp(
    { method: 'GET', url, headers: { accept: 'application/json' } },
    { ...net, stage: 'idp' },
  )
  const discoveryError = (reason: ErrorReason, message: string): StsCliError =>
    new StsCliError(reason, message, { stage: 'idp', httpStatus: answer.status })
  const json = answer.status === 200 ? parseJson(answer.body.toString('utf8')) : undefined
  const found = parseDiscovery(json)
  if (found === undefined || !isObject(json))
    throw discoveryError(missing, `${url.href} is no discovery document`)
  if (found.issuer.replace(/\/$/, '') !== issuer.replace(/\/$/, ''))
    throw discoveryError(
      'discovery-issuer-mismatch',
      `the discovery document names another issuer: ${JSON.stringify(found.issuer.slice(0, 200))}`,
    )
  if (found.tokenEndpoint === undefined)
    throw discoveryError(
      'discovery-token-endpoint-missing',
      'the discovery document names no token endpoint',
    )
  for (const [what, endpoint] of Object.entries({
    'a token endpoint': found.tokenEndpoint,
    'an authorization endpoint': found.authorizationEndpoint,
    'a device endpoint': found.deviceAuthorizationEndpoint,
    'a key set': found.jwksUri,
  }))
    if (endpoint !== undefined && !isAsSecureAs(endpoint, issuer))
      throw discoveryError(
        'discovery-endpoint-insecure',
        `the discovery document names ${what} without https`,
      )
  return { tokenEndpoint: new URL(found.tokenEndpoint), document: json }
}

/** Returns whether a URL is as secure as its issuer: https, or http on this machine, or http where the issuer itself has no https. */
export function isAsSecureAs(address: string, issuer: string): boolean {
  if (address.startsWith('https:')) return true
  return address.startsWith('http:') && (isLoopback(address) || issuer.startsWith('http:'))
}
