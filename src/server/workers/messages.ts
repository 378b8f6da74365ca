/** What the first process and its workers say to each other. Clonable, and inside one server: both sides are the same build. */
import type { ErrorCode } from '../../base/errors.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import type { Revocation } from '../sessions/share-revocations.ts'
import type { SharedProvider } from '../options/server-options.ts'

/** What a worker cannot read from flags and variables, because it was made up or chosen at start. */
export interface SharedParts {
  readonly port: number
  readonly root: Credentials
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Undefined in front of another S3. */
  readonly directory: string | undefined
  /** The embedded provider's public keys; the provider itself runs in the first process. */
  readonly provider: Omit<SharedProvider, 'kind'> | undefined
}

export type ToWorker =
  | { readonly kind: 'start'; readonly settings: unknown; readonly shared: SharedParts }
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

/** Why a worker could not start; without a code it is a bug. */
export interface StartFailure {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly hint: string | undefined
  readonly serverMessage?: string | undefined
}
