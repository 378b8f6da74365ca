/** What the processes behind one address share; a server alone has no peers. */
import type { Log } from '../../base/log.ts'
import type { KeyLocks } from '../s3/filesystem/key-locks.ts'
import type { RevocationTarget, SessionStore } from '../sessions/session-store.ts'

/** What was revoked and when: a process that hears of it later must not take it for later. */
export interface Revocation {
  readonly target: RevocationTarget
  readonly atMs: number
}

export interface Peers {
  /** One holder of a name among all processes. */
  readonly locks: KeyLocks
  /** Tells the others. */
  announceRevocation(revocation: Revocation): void
  /** Hears what others announced, also before this process began. One listener. */
  onRevocation(listener: (revocation: Revocation) => void): void
  /** Answers with this process's counts whenever they are collected. */
  onCount(count: () => Promise<object>): void
  /** The counts of every process that answers within a second, this one's among them. */
  collectCounts(): Promise<object[]>
}

/** A store that tells the other processes what it revokes, and takes what they tell. */
export function shareRevocations(
  sessions: SessionStore,
  { peers, nowMs, log }: { peers: Peers; nowMs: () => number; log: Log },
): SessionStore {
  peers.onRevocation(({ target, atMs }) => {
    sessions.revoke(target, atMs).catch((error: unknown) => {
      log.error(
        { reason: String(error) },
        'what another process revoked is not revoked in this one',
      )
    })
  })
  return {
    ...sessions,
    async revoke(target, atMs = nowMs()) {
      await sessions.revoke(target, atMs)
      peers.announceRevocation({ target, atMs })
    },
  }
}
