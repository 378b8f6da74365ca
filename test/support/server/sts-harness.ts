/** The STS in this process: real tokens, signatures and policies; requests and replies are values, and the clock stands still. */
import { Readable } from 'node:stream'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import type { Credentials, TemporaryCredentials } from '../../../src/protocol/credentials.ts'
import { sha256Hex } from '../../../src/protocol/digest.ts'
import { signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { decodeStsAnswer, type StsAnswer } from '../../../src/protocol/sts-wire.ts'
import type { HttpHandler, HttpRequest } from '../../../src/server/http/http-message.ts'
import { toLogFields } from '../../../src/server/http/access-log.ts'
import type { RequestFacts } from '../../../src/server/http/request-facts.ts'
import { createRequestAuthenticator } from '../../../src/server/identity/request-authenticator.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { createTokenVerifier } from '../../../src/server/identity/token-verifier.ts'
import { cannedPolicies } from '../../../src/server/policy/canned-policies.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import type { PolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { checkSessionPolicy } from '../../../src/server/policy/session-policy.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { createAuthorizationMessages } from '../../../src/server/sts/authorization-messages.ts'
import { createStsHandler } from '../../../src/server/sts/handle-sts.ts'
import type { StsServices } from '../../../src/server/sts/sts-action.ts'
import { keySet } from '../tokens.ts'
import { jwksUrl, makeProvider } from './fake-provider.ts'
import { makeHttpRequest } from './make-request.ts'

export const root = {
  accessKeyId: 'root-user',
  secretAccessKey: 'a-root-secret-of-some-length-000',
}
export const version = '2011-06-15'
export const requestId = '18EAB9B97537B5B5'

export type Parameters = Readonly<Record<string, string | undefined>>

export interface Ask {
  readonly query?: Parameters | string
  readonly form?: Parameters | string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent instead of a form. */
  readonly body?: Readable
  readonly signedBy?: Credentials
  readonly region?: string
  readonly slot?: HttpRequest['slot']
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The error code; undefined on success. */
  readonly code: string | undefined
  readonly message: string | undefined
  readonly facts: RequestFacts
  /** The facts as the access log prints them. */
  readonly log: Readonly<Record<string, unknown>>
}

export interface StsHarness {
  readonly clock: { nowMs: number }
  readonly logged: readonly string[]
  /** The handler, for tests that need a socket. */
  readonly handler: HttpHandler
  send(ask: Ask): Promise<Answer>
  /** Sends, expects a success, and returns what a client reads. */
  call(action: string, ask: Ask): Promise<StsAnswer>
  /** Returns the principal of the issued credentials, as the rest of the server sees it. */
  inspect(credentials: TemporaryCredentials | undefined): Promise<Principal>
}

const defaultLimits: StsServices['limits'] = {
  minDurationSeconds: 900,
  maxDurationSeconds: 31_536_000,
  defaultDurationSeconds: 3600,
  isLongerThanTokenAllowed: false,
}

type Changes = Partial<Omit<StsServices, 'limits'>> & {
  limits?: Partial<StsServices['limits']>
  /** The policies that exist, and by which callers are decided about; the canned ones if left out. */
  policies?: ReadonlyMap<string, PolicyDocument>
}

export function openSts(changes: Changes = {}): StsHarness {
  const provider = makeProvider({ [jwksUrl]: keySet })
  const { nowMs, log, clock, logged } = provider
  const sessions = createDerivedSessions({ rootSecret: root.secretAccessKey, nowMs })
  const policies = changes.policies ?? cannedPolicies
  const handler = createStsHandler({
    authenticator: createRequestAuthenticator({ root, sessions, region: 'us-east-1', nowMs }),
    authorizer: combinePolicies(createIamAuthorizer({ policies }), undefined, policies),
    authorizationMessages: createAuthorizationMessages(root.secretAccessKey),
    sessions,
    tokenVerifier: createTokenVerifier({ ...provider, jwksUrl }),
    policyClaim: 'policy',
    knownPolicies: policies,
    isPolicyClaimRequired: true,
    checkSessionPolicy,
    nowMs,
    log,
    ...changes,
    limits: { ...defaultLimits, ...changes.limits },
  })
  const send = async (ask: Ask): Promise<Answer> => {
    const request = makeRequest(ask, clock.nowMs)
    const { reply, facts } = await handler(request)
    const text = String(reply.body)
    const error = reply.status === 200 ? undefined : readError(text, reply.status)
    return {
      status: reply.status,
      headers: reply.headers ?? {},
      text,
      code: error?.code,
      message: error?.message,
      facts,
      log: toLogFields(facts),
    }
  }
  return {
    clock,
    logged,
    handler,
    send,
    async call(action, ask) {
      const { status, text } = await send(ask)
      return decodeStsAnswer(action, status, text)
    },
    async inspect(credentials) {
      const lookup = await sessions.lookUp(
        credentials?.accessKeyId ?? '',
        credentials?.sessionToken,
      )
      if (lookup.outcome !== 'found') throw new Error(`the session is ${lookup.outcome}`)
      return lookup.principal
    },
  }
}

function readError(text: string, status: number): AwsError {
  try {
    decodeStsAnswer('', status, text)
  } catch (error) {
    if (error instanceof AwsError) return error
    throw error
  }
  throw new Error('the answer is no error document')
}

function encode(parameters: Parameters | string = ''): string {
  if (typeof parameters === 'string') return parameters
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return new URLSearchParams(given).toString()
}

function makeRequest(ask: Ask, nowMs: number): HttpRequest {
  const rawQuery = encode(ask.query)
  const bytes = Buffer.from(encode(ask.form))
  const url = new URL(`http://127.0.0.1:9000/${rawQuery === '' ? '' : '?'}${rawQuery}`)
  const given = {
    host: url.host,
    ...(ask.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(ask.body === undefined ? { 'content-length': String(bytes.length) } : {}),
    ...ask.headers,
  }
  const unsigned = { method: 'POST', url, headers: given, payloadHash: sha256Hex(bytes) }
  const options = { region: ask.region ?? 'us-east-1', service: 'sts', nowMs } as const
  const headers = ask.signedBy === undefined ? given : signRequest(unsigned, ask.signedBy, options)
  return makeHttpRequest({
    method: 'POST',
    rawQuery,
    headers: new Map(Object.entries(headers)),
    body: ask.body ?? Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false }),
    requestId,
    receivedAtMs: nowMs,
    slot: ask.slot,
  })
}
