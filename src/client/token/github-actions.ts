/** The ID token of a GitHub Actions job, from a URL of the runner (GitHub docs, "OpenID Connect reference"). */
import { sendHttp } from '../../base/http/http-client.ts'
import { parseJsonObject, readString } from '../../base/parse.ts'
import { StsCliError } from '../../base/errors.ts'
import type { NetOptions } from '../options.ts'
import { unexpectedAnswerError, type ObtainedToken } from './token-answer.ts'

export interface GithubActionsSource {
  readonly grant: 'github-actions'
  /** From `ACTIONS_ID_TOKEN_REQUEST_URL` and `_TOKEN`. */
  readonly requestUrl: string
  readonly requestToken: string
  readonly audience: string | undefined
}

/**
 * Asks the runner for a token.
 *
 * @throws {StsCliError} `ERR_REFUSED` when the runner refuses, `ERR_PROTOCOL` for an answer without a token.
 */
export async function obtainGithubToken(
  { requestUrl, requestToken, audience }: GithubActionsSource,
  net: NetOptions,
): Promise<ObtainedToken> {
  const url = new URL(requestUrl)
  if (audience !== undefined) url.searchParams.set('audience', audience)
  const headers = { accept: 'application/json', authorization: `bearer ${requestToken}` }
  const answer = await sendHttp({ method: 'GET', url, headers }, { ...net, stage: 'idp' })
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429)
    throw new StsCliError(
      'github-token-refused',
      'GitHub Actions refused to give the job a token',
      {
        stage: 'idp',
        httpStatus: answer.status,
      },
    )
  const json = parseJsonObject(answer.body.toString('utf8'))
  const token = json === undefined ? undefined : readString(json, 'value')
  if (json === undefined || answer.status !== 200 || token === undefined || token === '')
    throw unexpectedAnswerError(answer, url)
  return { token, expiresInSeconds: undefined, answer: json }
}
