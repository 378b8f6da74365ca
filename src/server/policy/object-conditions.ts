/** Conditions about the object that a request writes: its tags, and its retention and legal hold (docs/wire.md §5.2). */
import { parseTagHeader } from '../../protocol/tag-header.ts'

const dayMs = 24 * 60 * 60 * 1000

const daysName = 'object-lock-remaining-retention-days'

/** The most tags that become conditions. An object has at most ten, so that a request with more is refused later. */
const maxTags = 50

/** Headers of an object lock, each with MinIO's name for it in conditions. */
const lockHeaders: Readonly<Record<string, string>> = {
  'x-amz-object-lock-mode': 'Object-Lock-Mode',
  'x-amz-object-lock-retain-until-date': 'Object-Lock-Retain-Until-Date',
  'x-amz-object-lock-legal-hold': 'Object-Lock-Legal-Hold',
}

/**
 * Names that only the server sets. A header that the client sends under such a name (`Object-Lock-Mode` without `X-Amz-`), or a parameter,
 * is no condition.
 */
const serverName =
  /^(object-lock-|requestobjecttag|existingobjecttag|signatureage$|durationseconds$|aws:|sts:)/i

/** Returns whether a header or parameter of this name would take the place of a condition that only the server sets. */
export function isServerName(name: string): boolean {
  return serverName.test(name)
}

/** Returns the conditions about the object in the headers of a request. */
export function buildObjectConditions(
  headers: ReadonlyMap<string, string>,
  receivedAtMs: number,
): Map<string, string[]> {
  const conditions = new Map<string, string[]>()
  for (const [header, name] of Object.entries(lockHeaders)) {
    const value = headers.get(header)
    if (value !== undefined) conditions.set(name, [value])
  }
  const untilMs = Date.parse(headers.get('x-amz-object-lock-retain-until-date') ?? '')
  if (!Number.isNaN(untilMs)) conditions.set(daysName, [countDays(untilMs, receivedAtMs)])
  const tagging = headers.get('x-amz-tagging')
  if (tagging !== undefined) addTags(conditions, parseTagHeader(tagging))
  return conditions
}

/** The lock that the body of a request sets. */
export interface RequestedLock {
  readonly mode?: string | undefined
  readonly retainUntilMs?: number | undefined
  readonly hasLegalHold?: boolean | undefined
}

/** Adds the lock that a request sets in its body. What it does not set is known to be missing. */
export function addLock(
  conditions: Map<string, readonly string[]>,
  { mode, retainUntilMs, hasLegalHold }: RequestedLock,
  receivedAtMs: number,
): void {
  const isDated = retainUntilMs !== undefined
  conditions.set('Object-Lock-Mode', mode === undefined ? [] : [mode])
  conditions.set(
    'Object-Lock-Retain-Until-Date',
    isDated ? [new Date(retainUntilMs).toISOString()] : [],
  )
  conditions.set(daysName, isDated ? [countDays(retainUntilMs, receivedAtMs)] : [])
  const hold = hasLegalHold === undefined ? [] : [hasLegalHold ? 'ON' : 'OFF']
  conditions.set('Object-Lock-Legal-Hold', hold)
}

/** Returns the days until a time. AWS counts the days that have begun; a policy with a maximum must not be met by a part of a day more. */
function countDays(untilMs: number, receivedAtMs: number): string {
  return String(Math.ceil((untilMs - receivedAtMs) / dayMs))
}

/** Adds the tags that a request sets: `RequestObjectTag/NAME` and `RequestObjectTagKeys`. */
export function addTags(
  conditions: Map<string, readonly string[]>,
  tags: readonly (readonly [string, string])[],
): void {
  const first = tags.slice(0, maxTags)
  for (const [name, value] of first) conditions.set(`RequestObjectTag/${name}`, [value])
  conditions.set('RequestObjectTagKeys', [...new Set(first.map(([name]) => name))])
}
