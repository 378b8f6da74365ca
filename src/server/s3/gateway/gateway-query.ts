/** The query of a request that passes the gateway: understood the same way by the policy station and by the upstream. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpRequest } from '../../http/http-message.ts'

/** How the request was signed (V4, V2), and names that SDKs add for their own logs: said to this server alone. */
const dropped = new Set(
  `awsaccesskeyid expires signature x-amz-algorithm x-amz-content-sha256 x-amz-credential x-amz-date x-amz-expires
  x-amz-security-token x-amz-signature x-amz-signedheaders x-amz-user-agent x-id`.split(/\s+/),
)

/** The checksum of a body that the maker of a presigned URL did not have. */
const ofNothing = /^x-amz-(sdk-checksum-algorithm|checksum-.*)$/

/** Whether a parameter ends here, being about the signature or a header by another way. */
export function isSpent(name: string): boolean {
  const lower = name.toLowerCase()
  return dropped.has(lower) || lower.startsWith('x-amz-')
}

/**
 * Presigned URLs may hold headers as parameters (`x-amz-acl`, `x-amz-meta-…`), which S3 takes for headers. They are made headers before
 * anything is judged, so that a policy sees one form of them.
 */
export function takeHoistedHeaders(request: HttpRequest): HttpRequest {
  if (!/(^|&)x-amz-/i.test(request.rawQuery)) return request
  const headers = new Map(request.headers)
  for (const [name, value] of new URLSearchParams(request.rawQuery)) {
    const lower = name.toLowerCase()
    const isHeader = lower.startsWith('x-amz-') && !dropped.has(lower) && !ofNothing.test(lower)
    if (isHeader && !headers.has(lower)) headers.set(lower, requireHeaderValue(lower, value))
  }
  return { ...request, headers }
}

function requireHeaderValue(name: string, value: string): string {
  if (/^[\t\u0020-\u007e]*$/.test(value)) return value
  throw new AwsError('InvalidArgument', `${name} has characters that no header can hold`)
}

/**
 * Refuses what two readers may read in two ways: a name that is there twice, and escapes that are no UTF-8.
 *
 * @throws {AwsError} `InvalidArgument`.
 */
export function requirePlainQuery(rawQuery: string, query: URLSearchParams): void {
  const names = new Set<string>()
  const twice = [...query.keys()].find((name) => names.size === names.add(name).size)
  if (twice !== undefined) throw new AwsError('InvalidArgument', `the query has ${twice} twice`)
  try {
    decodeURIComponent(rawQuery)
  } catch (error) {
    throw new AwsError('InvalidArgument', 'the query is not percent-encoded UTF-8', {
      cause: error,
    })
  }
}
