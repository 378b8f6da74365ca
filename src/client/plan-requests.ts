/** Role chaining: which request assumes which role, and which of them gets which parameter. */
import { isAwsEndpoint } from '../protocol/aws-endpoint.ts'
import type { ExchangeOptions } from './options.ts'
import type { StsRequest } from './sts-form.ts'

/** AWS requires a name for the session of a role; its SDKs make one up too. */
const defaultSessionName = 'sts-cli'

/**
 * Returns the requests in order: the first with the action, each further one `AssumeRole`, signed with the credentials of the one before it.
 *
 * The lifetime and the policies are for the session that comes out, so the last request has them. A tag is for that session too, unless it is
 * transitive: then the first `AssumeRole` sets it and the others inherit it, and AWS refuses a tag that is inherited already. Each `AssumeRole`
 * has the external ID and the source identity, which its role may ask for (IAM User Guide, "Chaining roles with session tags").
 */
export function planRequests(options: ExchangeOptions): [StsRequest, ...StsRequest[]] {
  const { action, ldap, roleArn, furtherRoleArns = [] } = options
  const first = { action, ldap, roleArn }
  const further = furtherRoleArns.map((arn) => ({ action: 'assume-role' as const, roleArn: arn }))
  const last = further.length
  const firstSigned = action === 'assume-role' ? 0 : 1
  const complete = (
    step: Pick<StsRequest, 'action' | 'ldap' | 'roleArn'>,
    at: number,
  ): StsRequest => ({
    ...step,
    roleSessionName: options.roleSessionName ?? chooseSessionName(step, options),
    ...(at === last ? pickFinal(options) : {}),
    ...(step.action === 'assume-role' ? pickSigned(options, { at, firstSigned, last }) : {}),
  })
  return [complete(first, 0), ...further.map((step, i) => complete(step, i + 1))]
}

function pickFinal({
  durationSeconds,
  policy,
  policyArns,
}: ExchangeOptions): Pick<StsRequest, 'durationSeconds' | 'policy' | 'policyArns'> {
  return { durationSeconds, policy, policyArns }
}

interface Position {
  readonly at: number
  readonly firstSigned: number
  readonly last: number
}

function pickSigned(
  { tags = [], transitiveTagKeys = [], externalId, sourceIdentity }: ExchangeOptions,
  { at, firstSigned, last }: Position,
): Partial<StsRequest> {
  const isTransitive = ({ key }: { key: string }): boolean => transitiveTagKeys.includes(key)
  const chosen = tags.filter((tag) => (isTransitive(tag) ? at === firstSigned : at === last))
  return {
    externalId,
    sourceIdentity,
    tags: chosen,
    transitiveTagKeys: at === firstSigned ? transitiveTagKeys : undefined,
  }
}

/** Returns the name of a session that nobody named; undefined where the STS makes a better one of the token's user. */
function chooseSessionName(
  { action, roleArn }: Pick<StsRequest, 'action' | 'roleArn'>,
  { stsEndpoint }: ExchangeOptions,
): string | undefined {
  if (roleArn === undefined) return undefined
  return action === 'assume-role' || isAwsEndpoint(stsEndpoint) ? defaultSessionName : undefined
}
