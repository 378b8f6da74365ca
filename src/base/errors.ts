/** The error that a user can act on. */
import { errorReasons, exitCodes, type ErrorCode, type ErrorReason } from './error-reasons.ts'

/** The step of the flow that failed: the first word of the printed error. */
export type ErrorStage = 'idp' | 'sts' | 's3' | 'config' | 'cli' | 'serve'

export interface StsCliErrorOptions {
  hint?: string | undefined
  stage?: ErrorStage | undefined
  /** Status of the HTTP answer, if one arrived. */
  httpStatus?: number | undefined
  /** The server's error code, such as `invalid_client` or `ExpiredToken`. */
  serverCode?: string | undefined
  /** The server's own message, without control characters. */
  serverMessage?: string | undefined
  requestId?: string | undefined
  cause?: unknown
}

/** A failure that the user can act on: what failed, and in `hint` what to try. Every other error is a bug. */
export class StsCliError extends Error {
  override readonly name = 'StsCliError'
  /** Names the failure; the message may change, the reason does not. */
  readonly reason: ErrorReason
  /** The class of the failure, which follows from the reason. */
  readonly code: ErrorCode
  readonly stage: ErrorStage
  readonly hint: string | undefined
  readonly httpStatus: number | undefined
  readonly serverCode: string | undefined
  readonly serverMessage: string | undefined
  readonly requestId: string | undefined

  constructor(reason: ErrorReason, message: string, options: StsCliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.code = errorReasons[reason]
    this.stage = options.stage ?? 'cli'
    this.hint = options.hint
    this.httpStatus = options.httpStatus
    this.serverCode = options.serverCode
    this.serverMessage = options.serverMessage
    this.requestId = options.requestId
  }

  /** The exit code of the process for this failure. */
  get exitCode(): number {
    return exitCodes[this.code]
  }
}
