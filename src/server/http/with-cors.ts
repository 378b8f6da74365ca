/**
 * Lets pages of other origins read answers, by the CORS protocol of the Fetch standard: answers preflights, and adds the headers to every other
 * answer, errors too. It never changes what a request may do, which only its signature and the policies decide.
 */
import { AwsError } from '../../protocol/aws-error.ts'
import { encodeS3Error } from '../../protocol/s3-wire.ts'
import { preflightMaxAgeSeconds, readOrigin, type IsOriginAllowed } from './cors-origins.ts'
import { findCorsRule, type CorsQuestion, type CorsRule } from './cors-rules.ts'
import type { HttpHandler, HttpOutcome, HttpReply, HttpRequest } from './http-message.ts'
import { serverOperations } from './request-facts.ts'
import { describeOperation } from './request-recorder.ts'

export interface CorsOptions {
  readonly isOriginAllowed: IsOriginAllowed
  /** Resolves to the rules of the addressed bucket, which then decide instead of `isOriginAllowed`; to undefined if it has none. */
  readonly findRules: (request: HttpRequest) => Promise<readonly CorsRule[] | undefined>
  /** Returns whether no page may ever read the answer. */
  readonly isClosed: (request: HttpRequest) => boolean
}

type Headers = Readonly<Record<string, string>>

/** The methods that MinIO allows pages (its `corsHandler`). */
const methods: ReadonlySet<string> = new Set('GET PUT HEAD POST DELETE OPTIONS PATCH'.split(' '))
/** A request has a few headers; a list beyond this is not a browser's. */
const maxAskedHeaders = 100
/** Headers that the listener adds to each answer. */
const always = ['content-length', 'date', 'x-amz-request-id']
const varying = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'

/** Returns the handler with CORS. */
export function withCors(handler: HttpHandler, options: CorsOptions): HttpHandler {
  return async (request) => {
    // Most requests have no Origin, and are spared the rest. The answer would be another with one, so a shared cache must keep them apart.
    const origin = request.headers.has('origin') ? readOrigin(request.headers) : undefined
    if (origin === undefined) return addHeaders(await handler(request), { vary: varying })
    if (options.isClosed(request)) return handler(request)
    const rules = await options.findRules(request)
    if (isPreflight(request)) return answerPreflight(request, { origin, rules, options })
    const outcome = await handler(request)
    return addHeaders(outcome, describeAccess(request, outcome.reply, { origin, rules, options }))
  }
}

/**
 * Adds CORS headers to an answer that was given before any handler ran, under overload. Whether the bucket has rules of its own is not looked
 * up then, because that is work too.
 */
export function addCorsHeaders(
  outcome: HttpOutcome,
  request: HttpRequest,
  options: Pick<CorsOptions, 'isOriginAllowed' | 'isClosed'>,
): HttpOutcome {
  const origin = options.isClosed(request) ? undefined : readOrigin(request.headers)
  if (origin === undefined) return outcome
  const context = { origin, rules: undefined, options }
  return addHeaders(outcome, describeAccess(request, outcome.reply, context))
}

interface CorsContext {
  readonly origin: string
  readonly rules: readonly CorsRule[] | undefined
  readonly options: Pick<CorsOptions, 'isOriginAllowed'>
}

/** A preflight names the method that follows; any other OPTIONS is a request for the API (Fetch standard, "CORS-preflight request"). */
function isPreflight({ method, headers }: HttpRequest): boolean {
  return method === 'OPTIONS' && headers.has('access-control-request-method')
}

/** Answers without looking at a signature: browsers send none with a preflight. */
function answerPreflight(request: HttpRequest, context: CorsContext): HttpOutcome {
  const { origin, rules, options } = context
  const question = readQuestion(request, origin)
  if (question === undefined) return refusePreflight(request)
  const names = question.headers.length === 0 ? undefined : question.headers.join(', ')
  if (rules === undefined) {
    if (!options.isOriginAllowed(origin) || !methods.has(question.method))
      return refusePreflight(request)
    return accept({
      ...allow(origin),
      'access-control-allow-methods': question.method,
      ...(names && { 'access-control-allow-headers': names }),
      'access-control-max-age': String(preflightMaxAgeSeconds),
    })
  }
  const rule = findCorsRule(rules, question)
  if (rule === undefined) return refusePreflight(request)
  return accept({
    ...describeRule(rule, origin),
    ...(names && { 'access-control-allow-headers': names }),
  })
}

/** Returns what the preflight asks; undefined for a list of headers that is not one. */
function readQuestion({ headers }: HttpRequest, origin: string): CorsQuestion | undefined {
  const method = headers.get('access-control-request-method') ?? ''
  const asked = (headers.get('access-control-request-headers') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  const isList = asked.every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
  return isList && asked.length <= maxAskedHeaders ? { origin, method, headers: asked } : undefined
}

function accept(headers: Headers): HttpOutcome {
  return {
    reply: { status: 200, headers: { ...headers, vary: varying } },
    facts: describeOperation(serverOperations.preflight),
  }
}

/** AWS's answer to a preflight that no rule allows, with its sentence, spelling included. It says nothing about the bucket. */
function refusePreflight(request: HttpRequest): HttpOutcome {
  const error = new AwsError(
    'AccessForbidden',
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
  )
  const { rawPath: resource, requestId } = request
  const reply = {
    status: error.status,
    headers: { 'content-type': 'application/xml', vary: varying },
    body: encodeS3Error(error, { resource, requestId, hostId: 'sts-cli' }),
  }
  const { code, message: reason } = error
  return { reply, facts: describeOperation(serverOperations.preflight, { code, reason }) }
}

/** Returns the headers with which the page may read the answer; without those, the browser keeps it from the page. */
function describeAccess(
  request: HttpRequest,
  { headers = {} }: HttpReply,
  { origin, rules, options }: CorsContext,
): Headers {
  if (rules !== undefined) {
    const rule = findCorsRule(rules, { origin, method: request.method, headers: [] })
    return { ...(rule && describeRule(rule, origin, hasClientCertificate(request))), vary: varying }
  }
  if (!options.isOriginAllowed(origin) || !methods.has(request.method)) return { vary: varying }
  // All that the answer has. A `*` would do for requests without credentials only, and MinIO's list too has stars that browsers do not take.
  const exposed = [...new Set([...Object.keys(headers), ...always])].toSorted()
  return {
    ...allow(origin, hasClientCertificate(request)),
    'access-control-expose-headers': exposed.join(', '),
    vary: varying,
  }
}

/**
 * Names the origin, and lets pages send credentials, as MinIO does: some send all requests so, and no cookie or login is read here. A client
 * certificate is one that a browser adds by itself: any page could take its owner's S3 credentials, so then the page may not read the answer.
 * Neither by a bucket's rules: a POST to the bucket's host can be for the STS.
 */
function allow(origin: string, hasCertificate = false): Headers {
  return {
    'access-control-allow-origin': origin,
    ...(hasCertificate ? {} : { 'access-control-allow-credentials': 'true' }),
  }
}

function hasClientCertificate({ readClientCertificate }: HttpRequest): boolean {
  return readClientCertificate?.() !== undefined
}

/** Returns a rule's headers, as AWS sends them: a rule for every origin says `*`, with which browsers send no credentials. */
function describeRule(rule: CorsRule, origin: string, hasCertificate = false): Headers {
  const { allowedOrigins, allowedMethods, exposeHeaders, maxAgeSeconds: age } = rule
  return {
    ...(allowedOrigins.includes('*')
      ? { 'access-control-allow-origin': '*' }
      : allow(origin, hasCertificate)),
    'access-control-allow-methods': allowedMethods.join(', '),
    ...(exposeHeaders.length > 0 && { 'access-control-expose-headers': exposeHeaders.join(', ') }),
    ...(age !== undefined && { 'access-control-max-age': String(age) }),
  }
}

function addHeaders(outcome: HttpOutcome, added: Headers): HttpOutcome {
  const { facts, finalFacts } = outcome
  const { status, headers, body, failure } = outcome.reply
  return { reply: { status, headers: { ...headers, ...added }, body, failure }, facts, finalFacts }
}
