/**
 * Replays recorded exchanges against this server, in order. Credentials that the recorded server issued are replaced by this server's:
 * a request that was signed with recorded temporary credentials is signed again with the new ones, and a recorded session token becomes the
 * new token of the same exchange. Requests that root signed are sent unchanged.
 */
import { sha256Hex } from '../../src/protocol/digest.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import type { Credentials } from '../../src/protocol/credentials.ts'
import { elementText, recordedAtMs, recordedHost, type Exchange } from './recording.ts'

export interface Reply {
  readonly status: number
  readonly body: string
}

export interface Replayed {
  readonly exchange: Exchange
  readonly reply: Reply
}

export type Send = (request: {
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  body: string
}) => Promise<Reply>

const root: Credentials = { accessKeyId: 'minio', secretAccessKey: 'minio123' }

/** Exchanges that were signed with a wrong secret. */
const wronglySigned = new Set(['s3/wrong-secret'])

/** Sends every exchange through `send`, and returns the replies beside the recordings. */
export async function replay(exchanges: readonly Exchange[], send: Send): Promise<Replayed[]> {
  const issued = new Map<string, Credentials>()
  const tokens = new Map<string, string>()
  const replayed: Replayed[] = []
  for (const exchange of exchanges) {
    const reply = await send(translate(exchange, issued, tokens))
    remember(exchange.response.body, reply.body, issued, tokens)
    replayed.push({ exchange, reply })
  }
  return replayed
}

function translate(
  { name, request }: Exchange,
  issued: ReadonlyMap<string, Credentials>,
  tokens: ReadonlyMap<string, string>,
): Parameters<Send>[0] {
  const headers = lowerCaseNames(request.headers)
  headers['host'] = recordedHost
  const body = request.body ?? ''
  const plain = { method: request.method, path: request.path, headers, body }
  const accessKeyId = /Credential=([^/]+)\//.exec(headers['authorization'] ?? '')?.[1]
  // A token is replaced, so a signature over one is made again, also root's.
  const isOverToken = headers['x-amz-security-token'] !== undefined
  const ours = accessKeyId === 'minio' && isOverToken ? root : issued.get(accessKeyId ?? '')
  // Unsigned requests, and those that root signed, are sent unchanged.
  if (ours === undefined) return withOurToken(plain, tokens)
  const isWrong = wronglySigned.has(name)
  return signAnew(plain, isWrong ? { ...ours, secretAccessKey: 'wrong' } : ours, tokens)
}

function withOurToken<T extends { headers: Record<string, string> }>(
  request: T,
  tokens: ReadonlyMap<string, string>,
): T {
  const recorded = request.headers['x-amz-security-token']
  if (recorded === undefined) return request
  return {
    ...request,
    headers: { ...request.headers, 'x-amz-security-token': tokens.get(recorded) ?? recorded },
  }
}

function signAnew(
  request: { method: string; path: string; headers: Record<string, string>; body: string },
  credentials: Credentials,
  tokens: ReadonlyMap<string, string>,
): Parameters<Send>[0] {
  const {
    authorization: recorded = '',
    'x-amz-security-token': recordedToken,
    ...headers
  } = request.headers
  const service = recorded.includes('/sts/aws4_request') ? 'sts' : 's3'
  const sessionToken =
    recordedToken === undefined ? undefined : (tokens.get(recordedToken) ?? recordedToken)
  const signed = signRequest(
    {
      method: request.method,
      url: new URL(request.path, `http://${recordedHost}`),
      headers,
      payloadHash: headers['x-amz-content-sha256'] ?? sha256Hex(request.body),
    },
    { ...credentials, sessionToken },
    { region: 'us-east-1', service, nowMs: recordedAtMs },
  )
  return { ...request, headers: signed }
}

function remember(
  recorded: string,
  ours: string,
  issued: Map<string, Credentials>,
  tokens: Map<string, string>,
): void {
  const recordedKey = elementText(recorded, 'AccessKeyId')
  const recordedToken = elementText(recorded, 'SessionToken')
  const accessKeyId = elementText(ours, 'AccessKeyId')
  const secretAccessKey = elementText(ours, 'SecretAccessKey')
  const sessionToken = elementText(ours, 'SessionToken')
  if (recordedKey === undefined || recordedToken === undefined) return
  if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined)
    return
  issued.set(recordedKey, { accessKeyId, secretAccessKey, sessionToken })
  tokens.set(recordedToken, sessionToken)
}

function lowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
}
