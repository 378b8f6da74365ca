/** Writes the policy that allows what was used, and little else. */
import { escapePattern } from './explain-decision.ts'

/** An action that was allowed, and what it was about. */
export interface Use {
  readonly action: string
  /** Empty for an action about no bucket. */
  readonly bucket: string
  /** Empty for an action about a bucket. */
  readonly key: string
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
}

/** So many names of a folder are written one by one; more become the whole folder. */
export const maxNames = 8

/**
 * Returns a policy that allows each of the uses. Of each action, more than 8 different names in one folder of a bucket become everything below that
 * folder (`FOLDER/*`), and so on upwards: more than 8 folders below one become everything below it.
 */
export function makeTrafficPolicy(uses: Iterable<Use>): TrafficPolicy {
  const byAction = new Map<string, Use[]>()
  for (const use of uses) {
    const known = byAction.get(use.action) ?? []
    if (known.length === 0) byAction.set(use.action, known)
    known.push(use)
  }
  // Actions with the same resources share a statement.
  const byResources = new Map<string, { actions: string[]; resources: readonly string[] }>()
  for (const [action, used] of [...byAction].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const resources = action.startsWith('s3:') ? listResources(used) : []
    const name = resources.join('\n')
    const known = byResources.get(name) ?? { actions: [], resources }
    if (known.actions.length === 0) byResources.set(name, known)
    known.actions.push(action)
  }
  return {
    Version: '2012-10-17',
    Statement: [...byResources.values()].map(({ actions, resources }) => ({
      Effect: 'Allow',
      Action: actions,
      ...(resources.length === 0 ? {} : { Resource: resources }),
    })),
  }
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
