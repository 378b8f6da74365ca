/** The client credentials grant (RFC 6749 §4.4), without openid-client: scripts wait for it. */
import { sendHttp } from '../../base/http/http-client.ts'
import type { ClientAccess, NetOptions } from '../options.ts'
import { readTokenAnswer, type ObtainedToken } from './token-answer.ts'

/**
 * Gets an access token. A client with a secret authenticates here; one with a key or a certificate by openid-client.
 *
 * @throws {StsCliError} `ERR_REFUSED` with the provider's own code and sentence; `ERR_PROTOCOL` for an answer that is not a token answer;
 *   whatever `sendHttp` throws.
 */
export async function obtainClientCredentialsToken(
  source: ClientAccess,
  net: NetOptions,
): Promise<ObtainedToken> {
  const { authMethod, clientSecret = '' } = source
  if (authMethod !== 'client_secret_basic' && authMethod !== 'client_secret_post') {
    const { openProvider } = await import('./openid-provider.ts')
    return (await openProvider(source, net)).requestToken('client_credentials', {})
  }
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (source.scope !== undefined) form.set('scope', source.scope)
  if (source.audience !== undefined) form.set('audience', source.audience)
  for (const [name, value] of source.parameters ?? []) form.append(name, value)
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  if (authMethod === 'client_secret_basic') {
    headers['authorization'] =
      `Basic ${Buffer.from(`${formEncode(source.clientId)}:${formEncode(clientSecret)}`).toString('base64')}`
  } else {
    form.set('client_id', source.clientId)
    form.set('client_secret', clientSecret)
  }
  const url = await findTokenEndpoint(source, net)
  const answer = await sendHttp(
    { method: 'POST', url, headers, body: form.toString() },
    { ...net, stage: 'idp' },
  )
  return readTokenAnswer(answer, url)
}

async function findTokenEndpoint(source: ClientAccess, net: NetOptions): Promise<URL> {
  if (source.tokenEndpoint !== undefined) return new URL(source.tokenEndpoint)
  const { discoverProvider } = await import('../discover-provider.ts')
  return (await discoverProvider(source.issuer ?? '', net)).tokenEndpoint
}

/** Form-encodes one half of the Basic credentials (RFC 6749 §2.3.1): servers decode it; most secrets do not change by it. */
function formEncode(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2)
}
