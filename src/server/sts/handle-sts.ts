/** Reads the form, runs the action, writes the XML. The only place where an STS refusal becomes a status and a document. */
import { AwsError } from '../../protocol/aws-error.ts'
import { encodeStsError, encodeStsSuccess, stsVersion } from '../../protocol/sts-wire.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import { createRequestRecorder, type RequestRecorder } from '../http/request-recorder.ts'
import { actions } from './actions.ts'
import { readForm } from './read-form.ts'
import { noSessionParameters, readSessionParameters } from './session-parameters.ts'
import type { StsAction, StsServices } from './sts-action.ts'

// Any answer may hold a secret.
const headers = { 'content-type': 'application/xml', 'cache-control': 'no-store' }

/** Makes the handler of all STS requests. */
export function createStsHandler(services: StsServices): HttpHandler {
  return async (request) => {
    const recorder = createRequestRecorder()
    try {
      const reply = await answer(request, recorder, services)
      return { reply, facts: recorder.toFacts() }
    } catch (error) {
      const refusal = toStsError(error, request, services)
      const facts = recorder.toFacts({ code: refusal.code, reason: refusal.message })
      return { reply: toReply(refusal, request), facts }
    }
  }
}

async function answer(
  request: HttpRequest,
  recorder: RequestRecorder,
  services: StsServices,
): Promise<HttpReply> {
  const { parameters, body } = await readForm(request)
  const named = actions.get(parameters.get('Action') ?? '')
  if (named !== undefined) recorder.setOperation(named.name)
  if (request.slot !== undefined && !(await request.slot.acquire())) throw slowDown()
  const action = findAction(parameters)
  // What is cheap to refuse is refused before a token is verified or a directory asked.
  const session = action.isIssuing
    ? readSessionParameters(parameters, services)
    : noSessionParameters
  const call = { http: request, parameters, body, session, recorder }
  const result = await action.run(call, services)
  const { credentials } = result
  if (credentials !== undefined) {
    const { accessKeyId, expiration } = credentials
    recorder.setIssued({ accessKeyId, expiresAtMs: expiration.getTime() })
  }
  const document = encodeStsSuccess(action.name, result, request.requestId)
  return { status: 200, headers, body: document }
}

/** Checks Version before Action, as MinIO's handlers do (docs/wire.md §1.3). */
function findAction(parameters: ReadonlyMap<string, string>): StsAction {
  const name = parameters.get('Action')
  if (name === undefined || name === '')
    throw new AwsError('MissingParameter', 'the parameter Action is missing')
  if (parameters.get('Version') !== stsVersion) {
    throw new AwsError(
      'MissingParameter',
      `the parameter Version is missing or wrong; it must be ${stsVersion}`,
    )
  }
  const action = actions.get(name)
  if (action === undefined) {
    throw new AwsError(
      'InvalidParameterValue',
      `the action ${name.slice(0, 80)} is not supported; there are ${[...actions.keys()].join(', ')}`,
    )
  }
  return action
}

/** S3's code for it: the SDKs retry after a while. */
function slowDown(): AwsError {
  return new AwsError('SlowDown', 'Please reduce your request rate.', {
    headers: { 'retry-after': '1' },
  })
}

/** Returns what the client is told. An error that is not an `AwsError` is a bug: its text goes to the log only. */
function toStsError(error: unknown, { requestId }: HttpRequest, { log }: StsServices): AwsError {
  if (error instanceof AwsError) return error
  log.error({ requestId, err: error }, 'STS request failed')
  return new AwsError('InternalError', 'internal error')
}

function toReply(refusal: AwsError, { requestId }: HttpRequest): HttpReply {
  return {
    status: refusal.status,
    headers: { ...headers, ...refusal.headers },
    body: encodeStsError(refusal, requestId),
  }
}
