/** The messages between the primary and its workers. They can be cloned. Both sides are the same build, so that they need no versions. */
import type { ErrorReason } from '../../base/error-reasons.ts'
import type { ErrorDetails } from '../../base/errors.ts'
import type { LoginMemory, MemoryKey } from '../aws-login/login-memory.ts'
import type { Revocation } from '../sessions/share-revocations.ts'
import type { WorkerOptions } from './worker-options.ts'

/** A question to the memory of logins, by the name of its function. */
export interface MemoryQuestion {
  readonly call: keyof LoginMemory
  readonly key: MemoryKey
  readonly value?: string | undefined
  /** The value to change. */
  readonly from?: string | undefined
  readonly endsAtMs?: number | undefined
}

export type ToWorker =
  | { readonly kind: 'start'; readonly options: WorkerOptions }
  | { readonly kind: 'stop' }
  | { readonly kind: 'granted'; readonly lock: number }
  | { readonly kind: 'revoked'; readonly revocation: Revocation }
  /** Without a question, the counts are wanted. */
  | { readonly kind: 'count'; readonly collection: number; readonly about?: object | undefined }
  | { readonly kind: 'counts'; readonly question: number; readonly counts: object[] }
  | {
      readonly kind: 'remembered'
      readonly question: number
      readonly result: string | boolean | undefined
    }

export type LockMessage =
  | {
      readonly kind: 'lock'
      readonly lock: number
      readonly name: string
      readonly isExclusive: boolean
      /** Another name, which is shared meanwhile. */
      readonly sharing?: string | undefined
    }
  | { readonly kind: 'unlock'; readonly lock: number }

export type ToPrimary =
  | LockMessage
  /** The worker listens; a message that is sent earlier may be lost. */
  | { readonly kind: 'here' }
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | { readonly kind: 'revoked'; readonly revocation: Revocation }
  | { readonly kind: 'collect'; readonly question: number; readonly about?: object | undefined }
  | ({ readonly kind: 'remember'; readonly question: number } & MemoryQuestion)
  | { readonly kind: 'counted'; readonly collection: number; readonly counts: object }

/** The error that a worker could not start with; one without a reason is a bug. */
export interface StartFailure {
  readonly reason: ErrorReason | undefined
  readonly message: string
  readonly details?: ErrorDetails | undefined
  readonly serverMessage?: string | undefined
}
