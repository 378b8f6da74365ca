/** An STS's refusal → the error that the user can act on. */
import type { ErrorReason } from '../base/error-reasons.ts'
import { StsCliError } from '../base/errors.ts'
import { toPrintable } from '../base/terminal/printable.ts'
import type { AwsError } from '../protocol/aws-error.ts'

/**
 * Returns the error for a refusal of the STS, with the server's own code, message and request id.
 *
 * @param roleName The role of a chain that was refused; undefined where there is no chain.
 */
export function toStsError(error: AwsError, roleName?: string): StsCliError {
  const what = roleName === undefined ? '' : ` the role ${toPrintable(roleName, 300)}`
  return new StsCliError(reasonOf(error), `the STS refused${what}`, {
    stage: 'sts',
    httpStatus: error.status,
    serverCode: toPrintable(error.code, 100),
    serverMessage: toPrintable(error.message, 500),
    requestId: error.requestId,
    cause: error,
  })
}

function reasonOf({ code, status, message }: AwsError): ErrorReason {
  if (status === 429) return 'sts-busy'
  // `ServiceUnavailable` is said of other things too.
  if (status >= 500)
    return /keys cannot be loaded/.test(message) ? 'sts-keys-unavailable' : 'sts-unavailable'
  return (
    reasonsByCode.get(code) ??
    reasonsByText.find(([, ...texts]) => texts.every((text) => text.test(message)))?.[0] ??
    'sts-refused'
  )
}

const reasonsByCode: ReadonlyMap<string, ErrorReason> = new Map([
  ['InvalidClientCertificate', 'client-certificate-refused'],
  ['SignatureDoesNotMatch', 'access-keys-refused'],
  ['InvalidAccessKeyId', 'access-keys-refused'],
  ['InvalidClientTokenId', 'access-keys-refused'],
  ['ExpiredToken', 'token-expired'],
  ['ExpiredTokenException', 'token-expired'],
] as const)

/**
 * MinIO answers nearly every refusal with `InvalidParameterValue` or `AccessDenied`: only the text of the message says what was wrong. This file
 * is the only place that reads it. The first entry counts whose patterns all match.
 */
const reasonsByText: readonly (readonly [ErrorReason, ...RegExp[]])[] = [
  ['ldap-login-refused', /LDAP user name or password/],
  ['role-refused', /RoleArn/],
  ['policy-claim-missing', /polic/i, /claim|missing|token/i],
  ['duration-refused', /DurationSeconds|expiry/],
  ['audience-refused', /aud|azp/],
  ['token-signature-refused', /kid|signature/],
]
