import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowOrigins } from '../../../src/server/http/cors-origins.ts'
import type { CorsRule } from '../../../src/server/http/cors-rules.ts'
import type { ClientCertificate, HttpReply } from '../../../src/server/http/http-message.ts'
import { describeOperation } from '../../../src/server/http/request-recorder.ts'
import { addCorsHeaders, withCors } from '../../../src/server/http/with-cors.ts'
import { makeHttpRequest } from '../../support/server/make-request.ts'

const page = 'https://app.example'
const error: HttpReply = {
  status: 403,
  headers: { 'content-type': 'application/xml', 'x-amz-meta-a': 'b', etag: '"x"' },
  body: '<Error/>',
}

interface Setting {
  readonly origins?: string[]
  readonly rules?: CorsRule[]
  readonly isClosed?: boolean
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly certificate?: ClientCertificate
}

async function send(
  { origins, rules, isClosed = false }: Setting,
  { method = 'GET', headers = {}, certificate }: Sent,
): Promise<{ reply: HttpReply; wasHandled: boolean; operation: string }> {
  let wasHandled = false
  const handler = withCors(
    async () => {
      wasHandled = true
      return { reply: error, facts: describeOperation('GetObject') }
    },
    {
      isOriginAllowed: allowOrigins(origins),
      findRules: async () => rules,
      isClosed: () => isClosed,
    },
  )
  const request = {
    ...makeHttpRequest({
      method,
      rawPath: '/photos/a',
      headers: new Map(Object.entries({ host: 'localhost', ...headers })),
    }),
    readClientCertificate: () => certificate,
  }
  const { reply, facts } = await handler(request)
  return { reply, wasHandled, operation: facts.operation }
}

it.each<[string, Readonly<Record<string, string>>]>([
  ['of a program', {}],
  ['of a page', { origin: page }],
  ['of a page that may not read it', { origin: 'https://other.example' }],
])('the answer to long work %s keeps the facts at its end', async (_whose, headers) => {
  const finalFacts = Promise.resolve(
    describeOperation('CopyObject', { code: 'InternalError', reason: 'the disk broke' }),
  )
  const handler = withCors(
    async () => ({ reply: { status: 200 }, facts: describeOperation('CopyObject'), finalFacts }),
    {
      isOriginAllowed: allowOrigins([page]),
      findRules: async () => undefined,
      isClosed: () => false,
    },
  )
  const outcome = await handler(makeHttpRequest({ headers: new Map(Object.entries(headers)) }))
  expect(outcome.finalFacts).toBe(finalFacts)
})

const preflight = (origin: string, method = 'PUT', names?: string): Sent => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': method,
    ...(names === undefined ? {} : { 'access-control-request-headers': names }),
  },
})

function corsOf({ headers = {} }: HttpReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('access-control-')),
  )
}

const rule: CorsRule = {
  allowedOrigins: ['https://*.example'],
  allowedMethods: ['GET', 'PUT'],
  allowedHeaders: ['Content-*', 'authorization'],
  exposeHeaders: ['ETag', 'x-amz-meta-a'],
  maxAgeSeconds: 30,
}

describe('pages of other origins', () => {
  it('a preflight of any origin is answered without a signature and without the API', async () => {
    const { reply, wasHandled, operation } = await send(
      {},
      preflight(page, 'PUT', 'Authorization, x-amz-date'),
    )
    expect(wasHandled).toBe(false)
    expect(operation).toBe('preflight')
    expect(reply).toMatchObject({
      status: 200,
      headers: {
        'access-control-allow-origin': page,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'PUT',
        'access-control-allow-headers': 'authorization, x-amz-date',
        vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      },
    })
  })

  it('every answer, an error too, names the origin and exposes all of its headers', async () => {
    const { reply } = await send({}, { headers: { origin: page } })
    expect(reply).toMatchObject({ status: 403, body: '<Error/>' })
    expect(corsOf(reply)).toEqual({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers':
        'content-length, content-type, date, etag, x-amz-meta-a, x-amz-request-id',
    })
  })

  it('an answer without an Origin has no such header, but shared caches keep it apart', async () => {
    const { reply } = await send({}, {})
    expect(corsOf(reply)).toEqual({})
    expect(reply.headers?.['vary']).toContain('Origin')
  })

  it.each<[string, Setting]>([
    ['the origin is not in the list', { origins: ['https://other.example'] }],
    ['the bucket has rules of its own for others', { rules: [{ ...rule, allowedOrigins: ['x'] }] }],
    ['the answer is for no page', { isClosed: true }],
  ])(
    'no page reads the answer when %s, and the request is carried out all the same',
    async (_, set) => {
      const { reply, wasHandled } = await send(set, { headers: { origin: page } })
      expect(wasHandled).toBe(true)
      expect(corsOf(reply)).toEqual({})
    },
  )

  it.each<[string, Setting, Sent]>([
    ['an origin that is not in the list', { origins: ['https://other.example'] }, preflight(page)],
    ['a method that no API has', {}, preflight(page, 'TRACE')],
    ['a list of headers that is none', {}, preflight(page, 'PUT', 'a b, c')],
    ['a method that no rule has', { rules: [rule] }, preflight(page, 'DELETE')],
    ['a header that no rule has', { rules: [rule] }, preflight(page, 'PUT', 'x-amz-date')],
    ['a bucket whose rules cannot be read', { rules: [] }, preflight(page)],
  ])('a preflight is refused by AWS’s code for %s', async (_, set, sent) => {
    const { reply, wasHandled } = await send(set, sent)
    expect(wasHandled).toBe(false)
    expect(reply.status).toBe(403)
    expect(reply.body).toContain('<Code>AccessForbidden</Code>')
    expect(reply.body).toContain('CORSResponse: This CORS request is not allowed.')
    expect(corsOf(reply)).toEqual({})
  })

  it('a preflight is never answered where no page may read, nor without a method or an origin', async () => {
    expect((await send({ isClosed: true }, preflight(page))).wasHandled).toBe(true)
    const { 'access-control-request-method': _, ...noMethod } = preflight(page).headers ?? {}
    expect((await send({}, { method: 'OPTIONS', headers: noMethod })).wasHandled).toBe(true)
    expect((await send({}, preflight('no origin'))).wasHandled).toBe(true)
  })

  it('the first rule of the bucket that fits decides, whatever the server’s own origins are', async () => {
    const rules = [{ ...rule, allowedMethods: ['POST'] }, rule, { ...rule, maxAgeSeconds: 99 }]
    const { reply } = await send(
      { origins: [], rules },
      preflight(page, 'PUT', 'CONTENT-TYPE,authorization'),
    )
    expect(reply.status).toBe(200)
    expect(corsOf(reply)).toEqual({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'content-type, authorization',
      'access-control-expose-headers': 'ETag, x-amz-meta-a',
      'access-control-max-age': '30',
    })
  })

  it('a rule for every origin says a star, and allows no credentials', async () => {
    const rules = [{ ...rule, allowedOrigins: ['*'], maxAgeSeconds: undefined }]
    const { reply } = await send({ rules }, { headers: { origin: page } })
    expect(corsOf(reply)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-expose-headers': 'ETag, x-amz-meta-a',
    })
  })

  it('a page cannot read with its visitor’s client certificate, which the browser adds by itself', async () => {
    const certificate = { der: new Uint8Array(), refusal: undefined, authorities: 1 }
    for (const set of [{}, { rules: [rule] }]) {
      const { reply } = await send(set, { headers: { origin: page }, certificate })
      expect(corsOf(reply)).toHaveProperty('access-control-allow-origin', page)
      expect(corsOf(reply)).not.toHaveProperty('access-control-allow-credentials')
    }
  })

  it('a refusal under overload can be read by the pages that may read anything', () => {
    const outcome = { reply: { status: 503, headers: {} }, facts: describeOperation('refused') }
    const request = makeHttpRequest({ headers: new Map([['origin', page]]) })
    const add = (origins?: string[]): HttpReply =>
      addCorsHeaders(outcome, request, {
        isOriginAllowed: allowOrigins(origins),
        isClosed: () => false,
      }).reply
    expect(corsOf(add())).toMatchObject({ 'access-control-allow-origin': page })
    expect(corsOf(add([]))).toEqual({})
  })

  it('an origin is named in an answer only if it is allowed, whatever the request is', async () => {
    const origins = fc.constantFrom(
      page,
      'https://evil.test',
      'null',
      'https://app.example.evil.test',
    )
    const methods = fc.constantFrom('GET', 'PUT', 'OPTIONS', 'DELETE', 'TRACE')
    await fc.assert(
      fc.asyncProperty(origins, methods, fc.boolean(), fc.boolean(), async (...given) => {
        const [origin, method, isPreflight, hasRules] = given
        const sent = isPreflight ? preflight(origin, method) : { method, headers: { origin } }
        const { reply } = await send(hasRules ? { rules: [rule] } : { origins: [page] }, sent)
        if (origin !== page) expect(corsOf(reply)).toEqual({})
      }),
    )
  })
})
