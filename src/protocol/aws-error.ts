/**
 * A refusal of an STS or an S3: one class for both sides. The parts of the server throw it, `handle-sts`
 * and `handle-s3` write it as XML, and the client parses that XML into an equal value.
 */

/** The codes that this server sends, and the HTTP status that AWS and MinIO give each (docs/wire.md §3.2 for STS, docs/wire.md §3.3 for S3). */
export const awsErrorStatus = {
  AccessControlListNotSupported: 400,
  AccessDenied: 403,
  AccessForbidden: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationParametersError: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BadRequest: 400,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  ExpiredToken: 400,
  IncompleteBody: 400,
  IncorrectNumberOfFilesInPostRequest: 400,
  InsecureConnection: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidAction: 400,
  InvalidArgument: 400,
  InvalidBucketAclWithObjectOwnership: 400,
  InvalidBucketName: 400,
  InvalidAuthorizationMessageException: 400,
  InvalidClientCertificate: 400,
  InvalidDigest: 400,
  InvalidIdentityToken: 400,
  InvalidLocationConstraint: 400,
  InvalidParameterValue: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidPolicyDocument: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidTokenId: 403,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedPOSTRequest: 400,
  MalformedPolicy: 400,
  MalformedPolicyDocument: 400,
  MalformedXML: 400,
  MaxPostPreDataLengthExceeded: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  MissingParameter: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PackedPolicyTooLarge: 400,
  PreconditionFailed: 412,
  RequestHeaderSectionTooLarge: 400,
  RequestTimeTooSkewed: 403,
  RequestTimeout: 400,
  STSNotInitialized: 503,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  TooManyIntermediateCAs: 400,
  ValidationError: 400,
  XAmzContentChecksumMismatch: 400,
  XAmzContentSHA256Mismatch: 400,
  XMinioInvalidObjectName: 400,
} as const

export type AwsErrorCode = keyof typeof awsErrorStatus

export interface AwsErrorOptions {
  /** Overrides the table: for a code of another server, or one whose status depends on the case. */
  status?: number | undefined
  requestId?: string | undefined
  /** Additional children of an S3 `Error` element, in order, such as `Region` or `BucketName`. */
  details?: Readonly<Record<string, string>> | undefined
  /** Additional headers of the answer, such as `retry-after`. */
  headers?: Readonly<Record<string, string>> | undefined
  /** The text of `Message` in S3's document, instead of the code's own sentence; then this error's message is the reason. */
  sentence?: string | undefined
  /** The cause, only for the server's own log; never sent. */
  cause?: unknown
}

/** A refusal with AWS's code. An unknown code (from another server) keeps its name and its status. */
export class AwsError extends Error {
  override readonly name = 'AwsError'
  readonly code: string
  readonly status: number
  readonly requestId: string | undefined
  readonly details: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly sentence: string | undefined

  constructor(code: AwsErrorCode, message: string, options?: AwsErrorOptions)
  constructor(code: string, message: string, options: AwsErrorOptions & { status: number })
  constructor(code: string, message: string, options: AwsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? statusOf(code)
    this.requestId = options.requestId
    this.details = options.details ?? {}
    this.headers = options.headers ?? {}
    this.sentence = options.sentence
  }
}

function statusOf(code: string): number {
  return Object.hasOwn(awsErrorStatus, code) ? awsErrorStatus[code as AwsErrorCode] : 500
}
