/** The client credentials grant (RFC 6749 §4.4), by node:http(s) alone: it is what every `login` waits for. */
import { StsCliError } from '../../base/errors.ts'
import { sendHttp, type HttpAnswer } from '../../base/http-client.ts'
import { isObject, parseJson, readNumber, readString, type JsonObject } from '../../base/parse.ts'
import { toPrintable } from '../../base/printable.ts'
import type { NetOptions, TokenSource } from '../options.ts'

export interface ObtainedToken {
  readonly token: string
  /** What the provider says of the token's life; undefined where it says nothing. */
  readonly expiresInSeconds: number | undefined
  /** The provider's whole answer, for `token --json`. */
  readonly answer: JsonObject
}

/** Of a provider's own words. */
const maxTextLength = 300

type ClientCredentials = Extract<TokenSource, { grant: 'client-credentials' }>

/**
 * Asks a token endpoint for an access token.
 *
 * @throws {StsCliError} `ERR_REFUSED` with the provider's own code and sentence; `ERR_PROTOCOL` for an answer that is no token answer;
 *   whatever `sendHttp` throws.
 */
export async function obtainClientCredentialsToken(
  source: ClientCredentials,
  net: NetOptions,
): Promise<ObtainedToken> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (source.scope !== undefined) form.set('scope', source.scope)
  if (source.audience !== undefined) form.set('audience', source.audience)
  for (const [name, value] of source.parameters ?? []) form.append(name, value)
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  if (source.authMethod === 'client_secret_basic') {
    headers['authorization'] =
      `Basic ${Buffer.from(`${formEncode(source.clientId)}:${formEncode(source.clientSecret)}`).toString('base64')}`
  } else {
    form.set('client_id', source.clientId)
    form.set('client_secret', source.clientSecret)
  }
  const url = await findTokenEndpoint(source, net)
  const answer = await sendHttp(
    { method: 'POST', url, headers, body: form.toString() },
    { ...net, stage: 'idp' },
  )
  return readTokenAnswer(answer, url)
}

async function findTokenEndpoint(source: ClientCredentials, net: NetOptions): Promise<URL> {
  if (source.tokenEndpoint !== undefined) return new URL(source.tokenEndpoint)
  const { discoverProvider } = await import('../discover.ts')
  return discoverProvider(source.issuer ?? '', net)
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined; servers decode, most secrets do not change. */
function formEncode(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2)
}

/** Narrows a token endpoint's answer (RFC 6749 §5). */
export function readTokenAnswer(answer: HttpAnswer, url: URL): ObtainedToken {
  if (answer.status >= 300 && answer.status < 400)
    throw brokenAnswer(
      answer,
      `a redirect${describeTarget(answer)}`,
      'the token endpoint must answer itself; a redirect often leads to a login page',
    )
  const json = parseJson(answer.body.toString('utf8'))
  if (!isObject(json)) throw unreadable(answer, url)
  const token = readString(json, 'access_token')
  if (answer.status !== 200 || token === undefined) {
    if (answer.status === 200)
      throw brokenAnswer(answer, 'no access_token', 'is this the token endpoint?')
    throw refused(answer, json)
  }
  if (token === '' || /\s/.test(token))
    throw brokenAnswer(answer, 'an access_token that cannot be one', undefined)
  const tokenType = readString(json, 'token_type')
  if (tokenType !== undefined && tokenType.toLowerCase() !== 'bearer') {
    throw brokenAnswer(
      answer,
      `a token of type ${toPrintable(tokenType, maxTextLength)}`,
      'only bearer tokens can be exchanged: switch off DPoP or MAC tokens for this client',
    )
  }
  const expiresIn =
    readNumber(json, 'expires_in') ?? Number(readString(json, 'expires_in') ?? Number.NaN)
  return {
    token,
    expiresInSeconds:
      Number.isFinite(expiresIn) && expiresIn > 0 ? Math.floor(expiresIn) : undefined,
    answer: json,
  }
}

const hints: Readonly<Record<string, string>> = {
  invalid_client: 'check -cid and -csec',
  unauthorized_client:
    'check -cid and -csec, and that the client may use the client credentials grant',
  unsupported_grant_type:
    'allow the client credentials grant for this client at the identity provider',
  invalid_scope: 'ask for a scope that the identity provider knows, or leave --scope out',
  invalid_grant: 'check the credentials that were given',
}

function refused(answer: HttpAnswer, json: JsonObject): StsCliError {
  const code = toPrintable(readString(json, 'error') ?? '', maxTextLength)
  const isBusy = answer.status === 429
  const isDown = answer.status >= 500
  return new StsCliError(
    isBusy ? 'ERR_TIMEOUT' : isDown ? 'ERR_UNAVAILABLE' : 'ERR_REFUSED',
    'the identity provider refused the token request',
    {
      stage: 'idp',
      httpStatus: answer.status,
      serverCode: code === '' ? undefined : code,
      serverMessage: toPrintable(readString(json, 'error_description') ?? '', maxTextLength),
      hint:
        hints[code] ??
        (answer.status === 404
          ? 'check the path of -idp-ep: realm or tenant may be misspelt'
          : undefined),
    },
  )
}

function unreadable(answer: HttpAnswer, url: URL): StsCliError {
  const text = answer.body.toString('utf8', 0, 512).trim()
  if (answer.status === 429)
    return new StsCliError('ERR_TIMEOUT', 'the identity provider asks to slow down', {
      stage: 'idp',
      httpStatus: 429,
    })
  if (answer.status >= 500)
    return new StsCliError('ERR_UNAVAILABLE', `${url.host} answered with an error`, {
      stage: 'idp',
      httpStatus: answer.status,
      hint: 'try again later',
    })
  const what =
    text === ''
      ? 'an empty body'
      : text.startsWith('<')
        ? 'an HTML page'
        : 'something that is not JSON'
  return brokenAnswer(
    answer,
    what,
    'check -idp-ep: it must be the token endpoint, not a web page or a proxy',
  )
}

function brokenAnswer(answer: HttpAnswer, what: string, hint: string | undefined): StsCliError {
  return new StsCliError('ERR_PROTOCOL', `the identity provider answered with ${what}`, {
    stage: 'idp',
    httpStatus: answer.status,
    hint,
  })
}

function describeTarget(answer: HttpAnswer): string {
  const location = answer.headers['location']
  return location !== undefined && URL.canParse(location) ? ` to ${new URL(location).host}` : ''
}
