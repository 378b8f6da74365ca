/** The error that a user can act on. */
import { exitCodes, getErrorReasons, type ErrorCode, type ErrorReason } from './error-reasons.ts'

/** The step of the flow that failed: the first word of the printed error. */
export type ErrorStage = 'idp' | 'sts' | 's3' | 'config' | 'cli' | 'serve'

/** What a failure is about, for whoever explains it; never a secret. Which of them are set depends on the reason. */
export interface ErrorDetails {
  readonly profile?: string | undefined
  /** Name of the setting at fault, as in a profile: `token-command`. */
  readonly option?: string | undefined
  /** A variable of the environment. */
  readonly variable?: string | undefined
  readonly path?: string | undefined
  readonly format?: string | undefined
  /** The grant in words, such as `device code`. */
  readonly grant?: string | undefined
  /** The endpoint that a provider lacks. */
  readonly endpoint?: string | undefined
  /** The proxy through which the request went. */
  readonly proxy?: string | undefined
  readonly pid?: number | undefined
  /** Another host, where it matters that it is not this one. */
  readonly host?: string | undefined
  /** The names that would have been valid. */
  readonly known?: readonly string[] | undefined
}

export interface StsCliErrorOptions {
  /** What to try. Only the command line's own code and the library's entry points set it; see src/commands/hints/error-hints.ts. */
  hint?: string | undefined
  details?: ErrorDetails | undefined
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

/**
 * A failure that the user can act on. Every other error is a bug.
 *
 * `reason` says which failure it is, and `code` its class, from which the exit code follows. `message` never contains a secret. `hint`, where there
 * is one, says what to try.
 */
export class StsCliError extends Error {
  override readonly name = 'StsCliError'
  /** Names the failure; the message may change, the reason does not. */
  readonly reason: ErrorReason
  /** The class of the failure, which follows from the reason. */
  readonly code: ErrorCode
  readonly stage: ErrorStage
  readonly hint: string | undefined
  readonly details: ErrorDetails
  readonly httpStatus: number | undefined
  readonly serverCode: string | undefined
  readonly serverMessage: string | undefined
  readonly requestId: string | undefined

  constructor(reason: ErrorReason, message: string, options: StsCliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.code = getErrorReasons()[reason]
    this.stage = options.stage ?? 'cli'
    this.hint = options.hint
    this.details = options.details ?? {}
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
