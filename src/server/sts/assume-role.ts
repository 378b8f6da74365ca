import { AwsError } from '../../protocol/aws-error.ts'
import { sha256Hex } from '../../protocol/sigv4/canonical-request.ts'
import { readDurationSeconds, readRevokeType, readSessionPolicy } from './parameters.ts'
import type { StsAction } from './sts-action.ts'

/** AssumeRole: a request signed with long-lived keys in, temporary credentials with the same rights or fewer out. */
export const assumeRole: StsAction = {
  name: 'AssumeRole',
  async run({ http, parameters, body }, services) {
    const { authenticator, sessions, limits, nowMs } = services
    const bodySha256 = sha256Hex(body)
    const { principal } = await authenticator.authenticate(http, { service: 'sts', bodySha256 })
    if (principal === undefined) {
      throw new AwsError(
        'AccessDenied',
        'AssumeRole must be signed (Signature Version 4, service sts)',
      )
    }
    // Temporary credentials that renew themselves would never end (MinIO refuses them the same way).
    if (principal.kind !== 'root')
      throw new AwsError('AccessDenied', 'temporary credentials cannot get further credentials')
    const sessionPolicy = readSessionPolicy(parameters, services)
    const durationSeconds = readDurationSeconds(parameters, limits) ?? limits.defaultDurationSeconds
    http.log['principal'] = principal.subject
    const credentials = await sessions.issue({
      subject: principal.accessKey,
      claims: { parent: principal.accessKey, ...readRevokeType(parameters) },
      policyNames: ['consoleAdmin'],
      sessionPolicy,
      groups: [],
      expiresAtMs: nowMs() + durationSeconds * 1000,
    })
    return { credentials }
  },
}
