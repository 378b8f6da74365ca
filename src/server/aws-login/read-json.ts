/** Reads the JSON bodies of `sso-oidc` and `signin`, and our own pages' forms; writes JSON answers. */
import { parseJsonObject, readString, type JsonObject } from '../../base/parse.ts'
import { readPairs } from '../../protocol/query.ts'
import type { HttpReply, HttpRequest } from '../http/http-message.ts'
import { readBody } from '../sts/read-form.ts'
import { LoginError } from './login-error.ts'

/** Nesting costs the parser; no request has more than a list of texts. */
const maxJsonBytes = 64 * 1024

/**
 * Returns the JSON object of a request's body, when the server has a slot for it.
 *
 * @throws {LoginError} `InvalidRequestException` for what is no JSON object, or too long; `TooManyRequestsException` under overload.
 */
export async function readJson(request: HttpRequest): Promise<JsonObject> {
  const body = await readWhole(request)
  const json = body.length > maxJsonBytes ? undefined : parseJsonObject(body.toString('utf8'))
  if (json === undefined)
    throw new LoginError('InvalidRequestException', 'the request body is not a JSON object')
  return json
}

/** Returns the fields of a form of ours; of a name that is there twice, the first. @throws {LoginError} As `readJson`. */
export async function readFields(request: HttpRequest): Promise<ReadonlyMap<string, string>> {
  const body = await readWhole(request)
  const fields = new Map<string, string>()
  let count = 0
  for (const [name, value] of readPairs(body.toString('utf8'))) {
    count += 1
    if (count > 16) throw new LoginError('InvalidRequestException', 'the form has too many fields')
    if (!fields.has(name)) fields.set(name, value)
  }
  return fields
}

async function readWhole(request: HttpRequest): Promise<Buffer> {
  const body = await readBody(request)
  if (request.slot !== undefined && !(await request.slot.acquire()))
    throw new LoginError('TooManyRequestsException', 'too many requests; try again later')
  return body
}

/** Returns a member that must be a text. @throws {LoginError} `InvalidRequestException` for a missing one, or one that is too long. */
export function requireText(json: JsonObject, name: string, maxChars = 4096): string {
  const text = readString(json, name)
  if (text === undefined || text === '')
    throw new LoginError('InvalidRequestException', `the member ${name} is missing`)
  if (text.length > maxChars)
    throw new LoginError(
      'InvalidRequestException',
      `the member ${name} is longer than ${maxChars} characters`,
    )
  return text
}

/** Returns an answer that nobody keeps, because it may have secrets (RFC 6749 §5.1). */
export function toJsonReply(status: number, value: JsonObject, headers = {}): HttpReply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  }
}
