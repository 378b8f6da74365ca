/** What the first process and its workers say to each other. Clonable, and inside one server: both sides are the same build. */
import type { ErrorReason } from '../../base/error-reasons.ts'
import type { ErrorDetails } from '../../base/errors.ts'
import type { Revocation } from '../sessions/share-revocations.ts'
import type { WorkerOptions } from './worker-options.ts'

export type ToWorker =
  | { readonly kind: 'start'; readonly options: WorkerOptions }
  | { readonly kind: 'stop' }
  | { readonly kind: 'granted'; readonly lock: number }
  | { readonly kind: 'revoked'; readonly revocation: Revocation }
  | { readonly kind: 'count'; readonly collection: number }
  | { readonly kind: 'counts'; readonly question: number; readonly counts: object[] }

export type LockMessage =
  | {
      readonly kind: 'lock'
      readonly lock: number
      readonly name: string
      readonly isExclusive: boolean
    }
  | { readonly kind: 'unlock'; readonly lock: number }

export type ToPrimary =
  | LockMessage
  /** It hears: what is sent earlier may be lost. */
  | { readonly kind: 'here' }
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | { readonly kind: 'revoked'; readonly revocation: Revocation }
  | { readonly kind: 'collect'; readonly question: number }
  | { readonly kind: 'counted'; readonly collection: number; readonly counts: object }

/** Why a worker could not start; without a reason it is a bug. */
export interface StartFailure {
  readonly reason: ErrorReason | undefined
  readonly message: string
  readonly details?: ErrorDetails | undefined
  readonly serverMessage?: string | undefined
}
