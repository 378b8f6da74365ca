import type { RequestFacts } from './request-facts.ts'

/**
 * Returns the fields of a request's log line, flat, in a fixed order; what does not apply is left out.
 *
 * | field | |
 * |---|---|
 * | `operation` | the operation's own name: `CopyObject`, `AssumeRoleWithClientGrants`, `health`… |
 * | `principal` | `root`, or the subject of the caller |
 * | `accessKeyId` | what the request was signed with |
 * | `role`, `roleSessionName`, `issuer` | the role's ARN and the session's name, and who issued the caller's token |
 * | `issuedAccessKeyId` | of the credentials that an STS action issued |
 * | `action`, `bucket`, `key`, `decision`, `rule` | the first denial where there is one, otherwise the first question: IAM action, what it is about, `allow` or `deny`, and the statement that decided |
 * | `decisions`, `denials` | how many questions were asked and denied, where there was more than one |
 * | `upstreamRequestId` | the upstream S3's name for the request |
 * | `error`, `reason` | code and message of a refusal |
 *
 * Condition values are not printed: they repeat the request's headers and query.
 */
export function toLogFields(facts: RequestFacts): Record<string, string | number> {
  const { operation, caller, decisions, issued, upstreamRequestId, refusal } = facts
  const shown = decisions.firstDenial ?? decisions.first[0]
  return keepKnown({
    operation,
    principal: caller?.kind === 'root' ? 'root' : caller?.subject,
    accessKeyId: caller?.accessKeyId,
    role: caller?.roleArn,
    roleSessionName: caller?.roleSessionName,
    issuer: caller?.issuer,
    issuedAccessKeyId: issued?.accessKeyId,
    action: shown?.action,
    bucket: shown?.bucket || undefined,
    key: shown?.key || undefined,
    decision: shown && (shown.isAllowed ? 'allow' : 'deny'),
    rule: shown?.rule,
    decisions: decisions.asked > 1 ? decisions.asked : undefined,
    denials: decisions.asked > 1 && decisions.denied > 0 ? decisions.denied : undefined,
    upstreamRequestId,
    error: refusal?.code,
    reason: refusal?.reason,
  })
}

function keepKnown(
  fields: Readonly<Record<string, string | number | undefined>>,
): Record<string, string | number> {
  const known: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) known[name] = value
  return known
}
