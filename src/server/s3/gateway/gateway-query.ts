/** The query of a request that passes the gateway: understood the same way by the policy station and by the upstream. */
import { AwsError } from '../../../protocol/aws-error.ts'

/** How the request was signed (V4, V2), and names that SDKs add for their own logs: said to this server alone. */
const dropped = new Set(
  `awsaccesskeyid expires signature x-amz-algorithm x-amz-content-sha256 x-amz-credential x-amz-date x-amz-expires
  x-amz-security-token x-amz-signature x-amz-signedheaders x-amz-user-agent x-id`.split(/\s+/),
)

/** A presigned URL's checksum of a body that its maker did not know. */
const ofNothing = /^x-amz-(sdk-checksum-algorithm|checksum-.*)$/

/** Whether a parameter ends here. */
export function isSignatureParameter(name: string): boolean {
  const lower = name.toLowerCase()
  return dropped.has(lower) || ofNothing.test(lower)
}

/**
 * Refuses what two readers may read in two ways: a name that is there twice, and escapes that are no UTF-8.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function requirePlainQuery(rawQuery: string, query: URLSearchParams): void {
  const names = [...query.keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new AwsError('InvalidArgument', `the query has ${twice} twice`)
  try {
    decodeURIComponent(rawQuery)
  } catch (error) {
    throw new AwsError('InvalidArgument', 'the query is not percent-encoded UTF-8', {
      cause: error,
    })
  }
}
