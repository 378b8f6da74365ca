import type { RequestFacts } from './request-facts.ts'

/**
 * Returns the fields of a request's log line: flat, in a fixed order, without those that do not apply. README.md lists them. Of the policy
 * decisions it shows the first denial, or else the first decision. Condition values are left out, because they repeat the headers and query.
 */
export function toLogFields(facts: RequestFacts): Record<string, string | number> {
  const { operation, caller, decisions, issued, upstreamRequestId, refusal } = facts
  const shown = decisions.firstDenial ?? decisions.first[0]
  return omitUndefined({
    operation,
    principal: caller?.kind === 'root' ? 'root' : caller?.subject,
    name: caller?.name,
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
    wouldDeny: decisions.firstWouldDeny?.wouldDeny,
    decisions: decisions.total > 1 ? decisions.total : undefined,
    denials: decisions.total > 1 && decisions.denied > 0 ? decisions.denied : undefined,
    upstreamRequestId,
    error: refusal?.code,
    reason: refusal?.reason,
  })
}

function omitUndefined(
  fields: Readonly<Record<string, string | number | undefined>>,
): Record<string, string | number> {
  const kept: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value
  return kept
}
