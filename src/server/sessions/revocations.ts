/** The revocations: of one access key, or of all sessions of a user issued until a time. Expired ones are removed when room is needed. */
import { readString } from '../../base/parse.ts'
import type { Principal } from './principal.ts'
import { findParentUser } from './session-tokens.ts'

export interface Revocation {
  readonly kind: 'access-key' | 'user'
  /** An access key; for a user, MinIO's parent user or the identity provider's subject. */
  readonly name: string
  /** Only sessions whose claim `tokenRevokeType` equals this; all if undefined. */
  readonly revokeType: string | undefined
  /** Sessions issued later are not revoked. */
  readonly issuedUntilMs: number
  /** When the last of the revoked sessions has expired. */
  readonly endsAtMs: number
}

export interface Revocations {
  /** Adds a revocation, or extends an earlier one to a later time. @returns False if there is no room. */
  add(revocation: Revocation): boolean
  isRevoked(principal: Principal): boolean
  hasAccessKey(accessKeyId: string): boolean
  clear(): void
}

/** Beyond this number, a new revocation is refused, because dropping an older one would go unnoticed. */
const maxRevocations = 100_000

/** Returns an empty set. */
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

/** Returns the key of a revocation's target. */
export function toKey({
  kind,
  name,
  revokeType,
}: Pick<Revocation, 'kind' | 'name'> & { readonly revokeType?: string | undefined }): string {
  return JSON.stringify([kind, name, revokeType ?? null])
}
