import type { Log } from '../../base/log.ts'
import type { RevocationTarget, SessionStore } from './session-store.ts'

/** A revocation with its time, as a process that hears of it later must not revoke sessions issued in between. */
export interface Revocation {
  readonly target: RevocationTarget
  readonly atMs: number
}

/** Carries revocations between the processes of one server. */
export interface RevocationChannel {
  /** Tells the other processes. */
  announceRevocation(revocation: Revocation): void
  /** Calls the listener with each revocation that another process announced, also before this process started. One listener. */
  onRevocation(listener: (revocation: Revocation) => void): void
}

/** Returns a store that announces its revocations to the other processes, and carries out theirs. */
export function shareRevocations(
  sessions: SessionStore,
  { peers, nowMs, log }: { peers: RevocationChannel; nowMs: () => number; log: Log },
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
