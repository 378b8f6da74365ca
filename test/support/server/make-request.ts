/** Requests and handlers as values, for tests that need no port. */
import { Readable } from 'node:stream'
import { parseQuery } from '../../../src/protocol/query.ts'
import type {
  HttpHandler,
  HttpOutcome,
  HttpReply,
  HttpRequest,
} from '../../../src/server/http/http-message.ts'
import { describeOperation } from '../../../src/server/http/request-recorder.ts'

/** Returns a GET of `/` over plain HTTP from this machine, with these changes. */
export function makeHttpRequest(changes: Partial<Omit<HttpRequest, 'query'>> = {}): HttpRequest {
  return {
    method: 'GET',
    rawPath: '/',
    rawQuery: '',
    query: parseQuery(changes.rawQuery ?? ''),
    headers: new Map(),
    body: Readable.from([]),
    remoteAddress: '127.0.0.1',
    isTls: false,
    requestId: '18EAB9B97537B5B5',
    receivedAtMs: 0,
    ...changes,
  }
}

/** A handler whose facts do not matter to the test. */
export type ReplyHandler = (request: HttpRequest) => Promise<HttpReply>

export function toOutcome(reply: HttpReply): HttpOutcome {
  return { reply, facts: describeOperation('other') }
}

export function toHandler(answer: ReplyHandler): HttpHandler {
  return async (request) => toOutcome(await answer(request))
}
