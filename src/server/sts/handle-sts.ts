/** Form → action → XML. The only place where an STS refusal becomes a status and a document. */
import { AwsError } from '../../protocol/aws-error.ts'
import { encodeStsError, encodeStsSuccess, stsVersion } from '../../protocol/sts-wire.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import { actions } from './actions.ts'
import { readForm } from './read-form.ts'
import type { StsAction, StsServices } from './sts-action.ts'

// Every answer may hold a secret or say something of one.
const headers = { 'content-type': 'application/xml', 'cache-control': 'no-store' }

/** Makes the handler of all STS requests. */
export function createStsHandler(services: StsServices): HttpHandler {
  return async (request) => {
    try {
      const { parameters, body } = await readForm(request)
      if (request.place !== undefined && !(await request.place.take())) throw slowDown()
      const action = findAction(parameters)
      request.log['action'] = action.name
      const result = await action.run({ http: request, parameters, body }, services)
      const document = encodeStsSuccess(action.name, result, request.requestId)
      return { status: 200, headers, body: document }
    } catch (error) {
      return refuse(error, request, services)
    }
  }
}

/** Version, then Action: the order of MinIO's handlers (WIRE 1.3). */
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

/** As S3 says it: the SDKs try again after a while. */
function slowDown(): AwsError {
  return new AwsError('SlowDown', 'Please reduce your request rate.', {
    headers: { 'retry-after': '1' },
  })
}

function refuse(error: unknown, request: HttpRequest, services: StsServices): HttpReply {
  const refusal =
    error instanceof AwsError ? error : new AwsError('InternalError', 'internal error')
  if (!(error instanceof AwsError))
    services.log.error({ requestId: request.requestId, err: error }, 'STS request failed')
  request.log['error'] = refusal.code
  request.log['reason'] = refusal.message
  return {
    status: refusal.status,
    headers: { ...headers, ...refusal.headers },
    body: encodeStsError(refusal, request.requestId),
  }
}
