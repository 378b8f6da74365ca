import { AwsError } from '../../protocol/aws-error.ts'
import { sha256Hex } from '../../protocol/digest.ts'
import { describePrincipal } from '../sessions/describe-principal.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import type { StsAction } from './sts-action.ts'

/** AssumeRole: issues temporary credentials, with the caller's rights or fewer, for a request that is signed with long-lived keys. */
export const assumeRole: StsAction = {
  name: 'AssumeRole',
  isIssuing: true,
  async run({ http, body, session, recorder }, services) {
    const { authenticator, sessions, limits, nowMs } = services
    const bodySha256 = sha256Hex(body)
    const { principal } = await authenticator.authenticate(http, { service: 'sts', bodySha256 })
    if (principal === undefined) {
      throw new AwsError(
        'AccessDenied',
        'AssumeRole must be signed (Signature Version 4, service sts)',
      )
    }
    recorder.setCaller({
      ...describePrincipal(principal),
      roleSessionName: session.roleSessionName,
    })
    // Temporary credentials that could renew themselves would never expire. MinIO rejects them as well.
    if (principal.kind !== 'root')
      throw new AwsError('AccessDenied', 'temporary credentials cannot get further credentials')
    const durationSeconds = session.durationSeconds ?? limits.defaultDurationSeconds
    const { roleSessionName } = session
    const issued = {
      subject: principal.accessKey,
      claims: { parent: principal.accessKey, ...session.revokeClaims },
      roleSessionName,
    }
    const credentials = await sessions.issue({
      ...issued,
      policyNames: ['consoleAdmin'],
      sessionPolicy: session.sessionPolicy,
      groups: [],
      expiresAtMs: nowMs() + durationSeconds * 1000,
    })
    return { credentials, assumedRole: nameAssumedRole(issued) }
  },
}
