/**
 * The errors that a user can act on, and the exit code of each.
 * The numbers follow BSD's sysexits.h, so that scripts can tell «try again» from «fix your flags».
 */

/** Every failure with which a command can end, and its exit code. */
export const exitCodes = {
  ERR_NEGATIVE: 1,
  ERR_USAGE: 64,
  ERR_DATA: 65,
  ERR_INPUT: 66,
  ERR_HOST: 68,
  ERR_UNAVAILABLE: 69,
  ERR_INTERNAL: 70,
  ERR_CANNOT_CREATE: 73,
  ERR_IO: 74,
  ERR_TIMEOUT: 75,
  ERR_PROTOCOL: 76,
  ERR_REFUSED: 77,
  ERR_CONFIG: 78,
} as const

export type ErrorCode = keyof typeof exitCodes

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
  readonly code: ErrorCode
  readonly stage: ErrorStage
  readonly hint: string | undefined
  readonly httpStatus: number | undefined
  readonly serverCode: string | undefined
  readonly serverMessage: string | undefined
  readonly requestId: string | undefined

  constructor(code: ErrorCode, message: string, options: StsCliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
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
