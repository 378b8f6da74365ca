/** Refusals of the login, in the words of AWS's three services. */
import { AwsError } from '../../protocol/aws-error.ts'

/** The types that clients tell apart, with their status and their code of OAuth (AWS IAM Identity Center OIDC and Portal API references; RFC 8628 §3.5). */
const errorTypes = {
  AccessDeniedException: [401, 'access_denied'],
  AuthorizationPendingException: [400, 'authorization_pending'],
  ExpiredTokenException: [400, 'expired_token'],
  ForbiddenException: [403, 'access_denied'],
  InternalServerException: [500, 'server_error'],
  InvalidClientException: [401, 'invalid_client'],
  InvalidGrantException: [400, 'invalid_grant'],
  InvalidRequestException: [400, 'invalid_request'],
  SlowDownException: [400, 'slow_down'],
  TooManyRequestsException: [429, 'slow_down'],
  UnauthorizedException: [401, 'invalid_token'],
  UnsupportedGrantTypeException: [400, 'unsupported_grant_type'],
  ValidationException: [400, 'INVALID_REQUEST'],
} as const

export type LoginErrorType = keyof typeof errorTypes

/** The codes of AWS Sign-In, by which its clients say what to do (AWS Sign-In API reference, `OAuth2ErrorCode`). */
export type SignInCode =
  | 'TOKEN_EXPIRED'
  | 'AUTHCODE_EXPIRED'
  | 'INSUFFICIENT_PERMISSIONS'
  | 'INVALID_REQUEST'

/** A refusal. Its message is shown to the person. */
export class LoginError extends Error {
  override readonly name = 'LoginError'
  readonly type: LoginErrorType
  readonly status: number
  /** The member `error` of the answer. */
  readonly code: string

  constructor(
    type: LoginErrorType,
    message: string,
    { code, cause }: { code?: SignInCode; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.type = type
    this.status = errorTypes[type][0]
    this.code = code ?? errorTypes[type][1]
  }
}

/** Returns a refusal of AWS Sign-In. */
export function refuseSignIn(code: SignInCode, message: string): LoginError {
  return new LoginError(
    code === 'INVALID_REQUEST' ? 'ValidationException' : 'AccessDeniedException',
    message,
    { code },
  )
}

/** What the STS's refusal of a person's token means for the login. */
export type TokenFault = 'over' | 'not-allowed' | 'try-again'

/** Returns what a refusal of the STS means; undefined for any other error, which is a bug. */
export function readTokenFault(error: unknown): TokenFault | undefined {
  if (!(error instanceof AwsError) || error.status === 500) return undefined
  if (error.status > 500) return 'try-again'
  return error.code === 'ExpiredToken' ? 'over' : 'not-allowed'
}
