import type { Log } from '../../base/log.ts'
import { AwsError } from '../../protocol/aws-error.ts'
import type { HttpHandler, HttpReply, HttpRequest } from './http-message.ts'
import type { Refusal } from './request-facts.ts'
import { createRequestRecorder, type RequestRecorder } from './request-recorder.ts'

/** What is particular to one API. */
export interface Api {
  /** Names the API in the log of a bug, such as `STS`. */
  readonly name: string
  readonly log: Log
  /** Carries out a request, and records what becomes known of it. @throws {AwsError} A refusal. */
  answer(request: HttpRequest, recorder: RequestRecorder): Promise<HttpReply>
  /** Returns the status and the document of a refusal. */
  toReply(refusal: AwsError, request: HttpRequest): HttpReply
}

/**
 * Returns the handler of an API, which never throws: a refusal becomes a reply, and any other error is a bug, of which the client learns
 * `InternalError` and the log the rest.
 */
export function createHandler(api: Api): HttpHandler {
  return async (request) => {
    const recorder = createRequestRecorder()
    try {
      const reply = await api.answer(request, recorder)
      const finalFacts = reply.failure?.then((failure) => recorder.toFacts(describe(failure)))
      return { reply, facts: recorder.toFacts(), finalFacts }
    } catch (error) {
      const refusal = toRefusal(error, request, api)
      const facts = recorder.toFacts({ code: refusal.code, reason: refusal.message })
      return { reply: api.toReply(refusal, request), facts }
    }
  }
}

function describe(failure: AwsError | undefined): Refusal | undefined {
  return failure && { code: failure.code, reason: failure.message, status: failure.status }
}

/** Returns the refusal that the client gets for an error; logs one that is a bug. */
export function toRefusal(
  error: unknown,
  { requestId }: Pick<HttpRequest, 'requestId'>,
  { name, log }: Pick<Api, 'name' | 'log'>,
): AwsError {
  if (error instanceof AwsError) return error
  log.error({ requestId, err: error }, `${name} request failed`)
  return new AwsError('InternalError', 'internal error')
}
