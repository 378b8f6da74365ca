import type { SessionTags } from '../identity/session-tags.ts'
import { requestTagName } from '../policy/condition-keys.ts'
import { buildConditions, type ReceivedRequest } from '../policy/request-conditions.ts'
import type { Principal } from '../sessions/principal.ts'

/** What a request for a session says, for conditions; undefined for what it leaves out. */
export interface SessionFacts {
  readonly principal: Principal
  /** The role's own ARN, for policy engines. */
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
  readonly externalId?: string | undefined
  /** The source identity that the session would have. */
  readonly sourceIdentity?: string | undefined
  readonly durationSeconds?: number | undefined
  readonly tags: SessionTags
}

/** Returns the conditions of a request for a session: those of every request, and those of its parameters. */
export function buildStsConditions(
  request: ReceivedRequest,
  { principal, tags, ...facts }: SessionFacts,
): Map<string, readonly string[]> {
  const conditions = new Map(buildConditions(request, { principal }))
  const said: readonly (readonly [string, string | number | undefined])[] = [
    ['sts:RoleArn', facts.roleArn],
    ['sts:RoleSessionName', facts.roleSessionName],
    ['sts:ExternalId', facts.externalId],
    ['sts:SourceIdentity', facts.sourceIdentity],
    ['DurationSeconds', facts.durationSeconds],
  ]
  for (const [name, value] of said) if (value !== undefined) conditions.set(name, [String(value)])
  for (const [key, values] of tags.values) conditions.set(requestTagName(key), values)
  if (tags.values.size > 0) conditions.set('aws:TagKeys', [...tags.values.keys()])
  if (tags.transitiveKeys.length > 0) conditions.set('sts:TransitiveTagKeys', tags.transitiveKeys)
  return conditions
}
