/** Handles STS requests: reads the form, runs the action, writes the XML. */
import { AwsError } from '../../protocol/aws-error.ts'
import { encodeStsError, encodeStsSuccess, stsVersion } from '../../protocol/sts-wire.ts'
import { createHandler } from '../http/create-handler.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import { actions } from './actions.ts'
import { readForm } from './read-form.ts'
import { readParameters } from './read-parameters.ts'
import { noSessionParameters } from './session-parameters.ts'
import type { StsAction, StsServices } from './sts-action.ts'

// Not cached, because any response may contain a secret.
const headers = { 'content-type': 'application/xml', 'cache-control': 'no-store' }

/** Returns the handler of all STS requests. It never throws. */
export function createStsHandler(services: StsServices): HttpHandler {
  return createHandler({
    name: 'STS',
    log: services.log,
    answer: (request, recorder) => answer(request, recorder, services),
    toReply,
  })
}

async function answer(
  request: HttpRequest,
  recorder: RequestRecorder,
  services: StsServices,
): Promise<HttpReply> {
  const { parameters, body } = await readForm(request)
  const known = actions.get(parameters.get('Action') ?? '')
  if (known !== undefined) recorder.setOperation(known.name)
  if (request.slot !== undefined && !(await request.slot.acquire())) throw slowDown()
  const action = findAction(parameters)
  // The cheap checks come first, before a token is verified or a directory is asked.
  const session = action.isIssuing
    ? readParameters(action, parameters, services)
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

/** The version of the API of IAM, whose calls come to the same address. */
const iamVersion = '2010-05-08'

/** Checks Version before Action, as MinIO's handlers do (docs/wire.md §1.3). */
function findAction(parameters: ReadonlyMap<string, string>): StsAction {
  const name = parameters.get('Action')
  if (name === undefined || name === '')
    throw new AwsError('MissingParameter', 'the parameter Action is missing')
  if (parameters.get('Version') === iamVersion && !actions.has(name))
    throw new AwsError(
      'InvalidAction',
      `Could not find operation ${name.slice(0, 80)} for version ${iamVersion}: IAM is not served here; users come from the identity provider, policies and roles from the server's settings`,
    )
  if (parameters.get('Version') !== stsVersion) {
    throw new AwsError(
      'MissingParameter',
      `the parameter Version is missing or wrong; it must be ${stsVersion}`,
    )
  }
  const action = actions.get(name)
  if (name === 'AssumeRoleWithSAML')
    throw new AwsError(
      'NotImplemented',
      'AssumeRoleWithSAML is not supported: use AssumeRoleWithWebIdentity with an OpenID Connect provider',
    )
  if (action === undefined) {
    throw new AwsError(
      'InvalidParameterValue',
      `the action ${name.slice(0, 80)} is not supported; there are ${[...actions.keys()].join(', ')}`,
    )
  }
  return action
}

/** Returns S3's error for overload: the SDKs retry after a while. */
function slowDown(): AwsError {
  return new AwsError('SlowDown', 'Please reduce your request rate.', {
    headers: { 'retry-after': '1' },
  })
}

function toReply(error: AwsError, { requestId }: HttpRequest): HttpReply {
  return {
    status: error.status,
    headers: { ...headers, ...error.headers },
    body: encodeStsError(error, requestId),
  }
}
