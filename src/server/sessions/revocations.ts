/** Which sessions no longer count: by access key, or all of a user's that were issued until an instant. Small, and forgets by itself. */
import { readString } from '../../base/parse.ts'
import type { Principal } from './principal.ts'
import { findParentUser } from './session-tokens.ts'

export interface Revocation {
  readonly kind: 'access-key' | 'user'
  /** An access key; for a user, MinIO's name of a parent or the provider's own subject. */
  readonly name: string
  /** Only sessions whose claim `tokenRevokeType` is this; every one when undefined. */
  readonly revokeType: string | undefined
  /** Sessions issued later stand. */
  readonly issuedUntilMs: number
  /** When the last session that this could concern has ended. */
  readonly endsAtMs: number
}

export interface Revocations {
  /** Adds, or takes the later instant where it is there. False when there is no room. */
  add(revocation: Revocation): boolean
  isRevoked(principal: Principal): boolean
  hasAccessKey(accessKeyId: string): boolean
  clear(): void
}

/** Past this many a revocation is refused aloud, rather than an older one dropped in silence. */
const maxRevocations = 100_000

/** An empty set. */
export function createRevocations(nowMs: () => number): Revocations {
  const entries = new Map<string, Revocation>()

  const makeRoom = (): boolean => {
    if (entries.size < maxRevocations) return true
    for (const [key, { endsAtMs }] of entries) if (endsAtMs <= nowMs()) entries.delete(key)
    return entries.size < maxRevocations
  }
  const covers = (key: string, issuedAtMs: number): boolean =>
    issuedAtMs <= (entries.get(key)?.issuedUntilMs ?? Number.NEGATIVE_INFINITY)

  return {
    add(revocation) {
      const key = toKey(revocation)
      const present = entries.get(key)
      if (present === undefined && !makeRoom()) return false
      if (present === undefined || present.issuedUntilMs <= revocation.issuedUntilMs)
        entries.set(key, revocation)
      return true
    },
    isRevoked(principal) {
      if (entries.size === 0) return false
      const issuedAtMs = principal.issuedAtMs ?? 0
      const revokeType = readString(principal.claims, 'tokenRevokeType')
      const types = revokeType === undefined ? [undefined] : [undefined, revokeType]
      return (
        entries.has(toKey({ kind: 'access-key', name: principal.accessKey })) ||
        [findParentUser(principal), principal.subject].some((name) =>
          types.some((type) => covers(toKey({ kind: 'user', name, revokeType: type }), issuedAtMs)),
        )
      )
    },
    hasAccessKey: (accessKeyId) => entries.has(toKey({ kind: 'access-key', name: accessKeyId })),
    clear: () => entries.clear(),
  }
}

/** One text for what a revocation is about; two of the same text are one. */
export function toKey({
  kind,
  name,
  revokeType,
}: Pick<Revocation, 'kind' | 'name'> & { readonly revokeType?: string | undefined }): string {
  return JSON.stringify([kind, name, revokeType ?? null])
}
