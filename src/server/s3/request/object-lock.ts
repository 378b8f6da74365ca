/** The lock of an object version: a retention, a legal hold, or both (AWS, "Locking objects with Object Lock"). */
import { AwsError } from '../../../protocol/aws-error.ts'

export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE'

export interface Retention {
  readonly mode: RetentionMode
  /** Until then, by the server's clock, the version cannot be removed. Unix time in milliseconds. */
  readonly retainUntilMs: number
}

export interface ObjectLock {
  readonly retention?: Retention | undefined
  readonly hasLegalHold?: boolean | undefined
}

/** What may be removed now, and by this caller. */
export interface Removal {
  /** The server's clock, Unix time in milliseconds. */
  readonly nowMs: number
  /** True if the caller sent `x-amz-bypass-governance-retention: true` and may `s3:BypassGovernanceRetention`. */
  readonly mayBypassGovernance: boolean
}

/**
 * Refuses to remove a version for good while it is locked: by a legal hold, which nobody bypasses; by a retention that has not ended, which
 * a caller may bypass in governance mode only.
 *
 * @throws {AwsError} `AccessDenied` with AWS's sentence.
 */
export function requireRemovable(lock: ObjectLock | undefined, removal: Removal): void {
  if (lock?.hasLegalHold === true) throw lockedError('it has a legal hold')
  const { retention } = lock ?? {}
  if (retention === undefined || !isInForce(retention, removal.nowMs)) return
  if (retention.mode === 'GOVERNANCE' && removal.mayBypassGovernance) return
  const until = new Date(retention.retainUntilMs).toISOString()
  throw lockedError(`it is retained in ${retention.mode} mode until ${until}`)
}

/** Returns whether a retention has not ended. */
export function isInForce({ retainUntilMs }: Retention, nowMs: number): boolean {
  return nowMs < retainUntilMs
}

/** Returns the refusal of a change that a lock forbids. @param reason Why this version is locked. */
export function lockedError(reason: string): AwsError {
  const sentence = 'Access Denied because object protected by object lock.'
  return new AwsError('AccessDenied', reason, { sentence })
}
