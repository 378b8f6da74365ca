import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import type { AssumedRole } from '../../protocol/sts-wire.ts'
import { nameAssumedRole } from '../identity/assumed-role.ts'
import { noTags, toTagClaims, type SessionTags } from '../identity/session-tags.ts'
import type { Principal } from '../sessions/principal.ts'
import { measurePacked } from './packed-size.ts'
import type { StsRequest, StsServices } from './sts-action.ts'

export interface OwnRights {
  readonly principal: Principal
  readonly durationSeconds: number
  readonly tags: SessionTags | undefined
  readonly sourceIdentity?: string | undefined
  /** The ARN of the federated user that the session is for. */
  readonly federatedArn?: string | undefined
  /** The names of the policies that limit the session; those of PolicyArns if left out. */
  readonly sessionPolicyNames?: readonly string[] | undefined
}

/** Issues credentials with the rights of the long-lived credentials that signed the request, limited by the session policies. */
export async function issueOwnRights(
  own: OwnRights,
  { session }: StsRequest,
  { sessions, nowMs }: StsServices,
): Promise<{
  readonly credentials: TemporaryCredentials
  readonly assumedRole: AssumedRole
  readonly packedPolicySize: number | undefined
}> {
  const { principal, tags = noTags, federatedArn } = own
  const packedPolicySize = measurePacked(session, tags)
  const { roleSessionName } = session
  const issued = {
    subject: principal.subject,
    claims: {
      parent: principal.accessKey,
      ...session.revokeClaims,
      ...toTagClaims(tags),
      ...(federatedArn === undefined ? {} : { roleArn: federatedArn }),
    },
    roleSessionName,
  }
  const credentials = await sessions.issue({
    ...issued,
    policyNames: principal.kind === 'root' ? ['consoleAdmin'] : principal.policyNames,
    sessionPolicy: session.sessionPolicy,
    sessionPolicyNames: own.sessionPolicyNames ?? session.sessionPolicyNames,
    sourceIdentity: own.sourceIdentity,
    groups: principal.groups,
    expiresAtMs: nowMs() + own.durationSeconds * 1000,
  })
  return { credentials, assumedRole: nameAssumedRole(issued), packedPolicySize }
}
