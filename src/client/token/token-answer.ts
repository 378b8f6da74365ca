/** Answers of a token endpoint (RFC 6749 §5), and the errors when it refuses or is not a token endpoint. */
import type { ErrorReason } from '../../base/error-reasons.ts'
import { StsCliError } from '../../base/errors.ts'
import type { HttpAnswer } from '../../base/http/http-client.ts'
import { isObject, parseJson, readNumber, readString, type JsonObject } from '../../base/parse.ts'
import { toPrintable } from '../../base/terminal/printable.ts'

export interface ObtainedToken {
  /** The token to exchange: an access token, or the ID token where `web-identity` wants one and there is one. */
  readonly token: string
  /** The token's lifetime; undefined where the provider does not give it. */
  readonly expiresInSeconds: number | undefined
  /** The provider's whole answer, for `token --json`. */
  readonly answer: JsonObject
  /** Only of grants in which a person signs in, where the provider gives one. */
  readonly refreshToken?: string | undefined
}

/** The longest text of a provider in a message. */
const maxTextLength = 300

/**
 * Reads a token endpoint's answer.
 *
 * @throws {StsCliError} `ERR_REFUSED` with the provider's own code and sentence; `ERR_PROTOCOL` for an answer that is not a token answer.
 */
export function readTokenAnswer(answer: HttpAnswer, url: URL): ObtainedToken {
  if (answer.status >= 300 && answer.status < 400) throw unexpectedAnswerError(answer, url)
  const json = parseJson(answer.body.toString('utf8'))
  if (!isObject(json)) throw unexpectedAnswerError(answer, url)
  const token = readString(json, 'access_token')
  if (answer.status !== 200 || token === undefined) {
    if (answer.status === 200)
      throw tokenAnswerError('token-answer-without-token', answer, 'no access_token')
    throw tokenRequestError({
      status: answer.status,
      code: readString(json, 'error') ?? '',
      description: readString(json, 'error_description') ?? '',
    })
  }
  if (token === '' || /\s/.test(token))
    throw tokenAnswerError('token-answer-invalid', answer, 'an access_token that cannot be one')
  const tokenType = readString(json, 'token_type')
  if (tokenType !== undefined && tokenType.toLowerCase() !== 'bearer') {
    throw tokenAnswerError(
      'token-type-unsupported',
      answer,
      `a token of type ${toPrintable(tokenType, maxTextLength)}`,
    )
  }
  return { token, expiresInSeconds: readExpiresIn(json), answer: json }
}

/** Reads `expires_in`: whole seconds above zero; some providers write them as text. */
export function readExpiresIn(json: JsonObject): number | undefined {
  const seconds =
    readNumber(json, 'expires_in') ?? Number(readString(json, 'expires_in') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : undefined
}

export interface Refusal {
  readonly status: number | undefined
  /** The provider's error code, such as `invalid_client`. */
  readonly code: string
  readonly description: string
  /** The grant's name in hints; `client credentials` when omitted. */
  readonly grant?: string | undefined
}

/** Makes the error for a request that the provider refused. */
export function tokenRequestError({ status, code, description, grant }: Refusal): StsCliError {
  const word = toPrintable(code, maxTextLength)
  const isBusy = status === 429
  const isDown = status !== undefined && status >= 500
  return new StsCliError(
    isBusy
      ? 'identity-provider-busy'
      : isDown
        ? 'identity-provider-unavailable'
        : status === undefined
          ? 'login-refused'
          : 'token-request-refused',
    status === undefined
      ? 'the identity provider refused the login'
      : 'the identity provider refused the token request',
    {
      stage: 'idp',
      httpStatus: status,
      serverCode: word === '' ? undefined : word,
      serverMessage: toPrintable(description, maxTextLength),
      details: { grant },
    },
  )
}

/** Makes the error for an answer that no OAuth endpoint gives: a redirect, a web page, a proxy's error. */
export function unexpectedAnswerError(answer: HttpAnswer, url: URL): StsCliError {
  if (answer.status >= 300 && answer.status < 400)
    return tokenAnswerError(
      'token-endpoint-redirects',
      answer,
      `a redirect${describeTarget(answer)}`,
    )
  if (answer.status === 429)
    return new StsCliError('identity-provider-busy', 'the identity provider asks to slow down', {
      stage: 'idp',
      httpStatus: 429,
    })
  if (answer.status >= 500)
    return new StsCliError('identity-provider-proxy-error', `${url.host} answered with an error`, {
      stage: 'idp',
      httpStatus: answer.status,
    })
  const text = answer.body.toString('utf8', 0, 512).trim()
  const what =
    text === ''
      ? 'an empty body'
      : text.startsWith('<')
        ? 'an HTML page'
        : 'something that is not JSON'
  return tokenAnswerError('token-endpoint-invalid', answer, what)
}

function tokenAnswerError(reason: ErrorReason, answer: HttpAnswer, what: string): StsCliError {
  return new StsCliError(reason, `the identity provider answered with ${what}`, {
    stage: 'idp',
    httpStatus: answer.status,
  })
}

function describeTarget(answer: HttpAnswer): string {
  const location = answer.headers['location']
  return location !== undefined && URL.canParse(location) ? ` to ${new URL(location).host}` : ''
}
