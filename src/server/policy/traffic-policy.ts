/** Writes the policy that allows what was used, and little else. */
import { escapePattern, isList } from './explain-decision.ts'

/** An action that was allowed, and what it was about. */
export interface Use {
  readonly action: string
  /** Empty for an action about no bucket. */
  readonly bucket: string
  /** Empty for an action about a bucket. */
  readonly key: string
  /** The prefix that a list was asked for; undefined if none was. */
  readonly prefix?: string | undefined
}

export interface TrafficPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly TrafficStatement[]
}

interface TrafficStatement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  /** Left out for actions about no resource. */
  readonly Resource?: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

/** So many names of a folder are written one by one; more become the whole folder. */
export const maxNames = 8

/**
 * Returns a policy that allows each of the uses. Of each action, more than 8 different names in one folder of a bucket become everything below that
 * folder (`FOLDER/*`), and so on upwards: more than 8 folders below one become everything below it. Lists keep their prefixes, by the same rule, if each
 * of a bucket had one.
 */
export function makeTrafficPolicy(uses: Iterable<Use>): TrafficPolicy {
  const byAction = new Map<string, Use[]>()
  for (const use of uses) {
    const known = byAction.get(use.action) ?? []
    if (known.length === 0) byAction.set(use.action, known)
    known.push(use)
  }
  const statements = new Map<string, TrafficStatement>()
  for (const [action, used] of [...byAction].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    for (const { resources, condition } of listGrants(action, used)) {
      // Actions with the same resources share a statement.
      const name = JSON.stringify([resources, condition])
      const actions = [...(statements.get(name)?.Action ?? []), action]
      statements.set(name, {
        Effect: 'Allow',
        Action: actions,
        ...(resources.length === 0 ? {} : { Resource: resources }),
        ...(condition === undefined ? {} : { Condition: condition }),
      })
    }
  return { Version: '2012-10-17', Statement: [...statements.values()] }
}

interface Grant {
  readonly resources: readonly string[]
  readonly condition?: TrafficStatement['Condition']
}

function listGrants(action: string, uses: readonly Use[]): Grant[] {
  if (!action.startsWith('s3:')) return [{ resources: [] }]
  if (!isList(action)) return [{ resources: listResources(uses) }]
  const buckets = new Set(uses.map(({ bucket }) => bucket))
  return [...buckets].toSorted().map((bucket) => {
    const prefixes = uses.filter((use) => use.bucket === bucket).map(({ prefix }) => prefix)
    const resources = [`arn:aws:s3:::${bucket}`]
    const given = prefixes.filter((prefix) => prefix !== undefined)
    // A list without a prefix has no value for the condition.
    if (given.length < prefixes.length) return { resources }
    const top = makeFolder()
    for (const prefix of given) addKey(top, prefix)
    return { resources, condition: { StringLike: { 's3:prefix': fold(top, '').toSorted() } } }
  })
}

interface Folder {
  readonly folders: Map<string, Folder>
  readonly names: Set<string>
}

function listResources(uses: readonly Use[]): string[] {
  const resources = new Set<string>()
  const buckets = new Map<string, Folder>()
  for (const { bucket, key } of uses) {
    if (bucket === '') resources.add('arn:aws:s3:::*')
    else if (key === '') resources.add(`arn:aws:s3:::${bucket}`)
    else {
      const top = buckets.get(bucket) ?? makeFolder()
      buckets.set(bucket, top)
      addKey(top, key)
    }
  }
  for (const [bucket, top] of buckets)
    for (const pattern of fold(top, '')) resources.add(`arn:aws:s3:::${bucket}/${pattern}`)
  return [...resources].toSorted()
}

function makeFolder(): Folder {
  return { folders: new Map(), names: new Set() }
}

function addKey(top: Folder, key: string): void {
  const parts = key.split('/')
  const name = parts.pop() ?? ''
  let folder = top
  for (const part of parts) {
    const next = folder.folders.get(part) ?? makeFolder()
    folder.folders.set(part, next)
    folder = next
  }
  folder.names.add(name)
}

/** Returns the patterns of a folder's keys. @param path The folder's path with its final slash, written for a resource. */
function fold({ folders, names }: Folder, path: string): string[] {
  if (names.size > maxNames || folders.size > maxNames) return [`${path}*`]
  return [
    ...[...names].map((name) => `${path}${escapePattern(name)}`),
    ...[...folders].flatMap(([name, folder]) => fold(folder, `${path}${escapePattern(name)}/`)),
  ]
}
