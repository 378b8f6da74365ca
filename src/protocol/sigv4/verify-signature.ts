/** Verifies a parsed signature with the secret of the key it names. */
import { AwsError } from '../aws-error.ts'
import {
  buildCanonicalRequest,
  buildStringToSign,
  formatScope,
  hmacSha256,
  type SignedMessage,
} from './canonical-request.ts'
import type { ParsedSignature } from './parse-signature.ts'
import { deriveSigningKey, equalInConstantTime } from './signing-key.ts'

export interface VerifyOptions {
  /** The server's region; empty accepts any. `US` is an old name of us-east-1. */
  readonly region: string
  readonly service: 's3' | 'sts'
  readonly nowMs: number
  /** For `sts`: SHA-256 of the body as it came. There the header is not asked (WIRE 12.2). */
  readonly bodySha256?: string | undefined
}

/** What the signatures of an `aws-chunked` body start from. */
export interface VerifiedSignature {
  readonly signingKey: Buffer
  readonly signature: string
  readonly scopeText: string
  readonly amzDate: string
}

/**
 * What may come with a presigned URL that does not sign it: how the body travels and is proved, and who asks. Any other header of this kind
 * does something by the signer's rights that the signer did not say: with `x-amz-copy-source` an upload would be a copy of whatever the
 * signer can read (Amazon S3 refuses all of them).
 */
const harmlessUnsigned =
  /^x-amz-(?:cf-id|checksum-.*|content-sha256|date|decoded-content-length|sdk-checksum-algorithm|security-token|trailer|user-agent)$/

/** Clocks may differ by this much (Amazon S3, RequestTimeTooSkewed). */
const maxSkewMs = 15 * 60 * 1000

/**
 * @throws {AwsError} `SignatureDoesNotMatch`; `RequestTimeTooSkewed`; `AccessDenied` for a presigned request that is expired, dated ahead, or
 *   leaves a header unsigned that must be; `AuthorizationHeaderMalformed` for another region, naming ours.
 */
export function verifySignature(
  parsed: ParsedSignature,
  message: SignedMessage,
  secretAccessKey: string,
  options: VerifyOptions,
): VerifiedSignature {
  checkScope(parsed, options)
  checkSignedHeaders(parsed, message)
  const payloadHash =
    options.service === 'sts' ? (options.bodySha256 ?? parsed.payloadHash) : parsed.payloadHash
  const scopeText = formatScope(parsed.scope)
  const signingKey = deriveSigningKey(secretAccessKey, parsed.scope)
  const canonicalRequest = buildCanonicalRequest(
    withAssumedExpect(parsed, message),
    parsed.signedHeaders,
    payloadHash,
  )
  const signature = hmacSha256(
    signingKey,
    buildStringToSign(parsed.amzDate, scopeText, canonicalRequest),
  ).toString('hex')
  if (!equalInConstantTime(signature, parsed.signature)) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'the request signature we calculated does not match the one you sent; check the secret key and what signs the request',
    )
  }
  checkTime(parsed, options.nowMs)
  return { signingKey, signature, scopeText, amzDate: parsed.amzDate }
}

/** Whether the signature is for this service, this region and the day it says. @throws {AwsError} as `verifySignature`. */
export function checkScope(
  parsed: Pick<ParsedSignature, 'form' | 'scope' | 'amzDate'>,
  options: Pick<VerifyOptions, 'region' | 'service'>,
): void {
  const code =
    parsed.form === 'header' ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError'
  if (parsed.scope.service !== options.service) {
    throw new AwsError(
      parsed.form === 'header' ? 'AuthorizationParametersError' : code,
      `the credential scope is for service ${parsed.scope.service}; this request needs ${options.service}`,
    )
  }
  const region = parsed.scope.region === 'US' ? 'us-east-1' : parsed.scope.region
  if (options.region !== '' && region !== options.region) {
    throw new AwsError(
      code,
      `the credential scope is for region ${region}; expecting ${options.region}`,
      {
        details: { Region: options.region },
      },
    )
  }
  if (!parsed.amzDate.startsWith(parsed.scope.date)) {
    throw new AwsError(code, 'the date of the credential scope is not the date of the request')
  }
}

function checkSignedHeaders(parsed: ParsedSignature, message: SignedMessage): void {
  const signed = new Set(parsed.signedHeaders)
  // 400 and not 403: so MinIO answers, and so its clients know a mistake of theirs from a refusal (WIRE 3.3).
  if (!signed.has('host'))
    throw new AwsError('AccessDenied', 'the host header must be signed', { status: 400 })
  for (const name of parsed.signedHeaders) {
    if (!message.headers.has(name) && name !== 'expect') {
      throw new AwsError('AccessDenied', `the signed header ${name} is not in the request`, {
        status: 400,
      })
    }
  }
  if (parsed.form === 'header') return
  for (const name of message.headers.keys()) {
    if (name.startsWith('x-amz-') && !signed.has(name) && !harmlessUnsigned.test(name)) {
      throw new AwsError('AccessDenied', `the header ${name} is not covered by the presigned URL`, {
        status: 400,
      })
    }
  }
}

// A proxy answers `Expect` itself and drops it; the client signed the one value the header can have.
function withAssumedExpect(parsed: ParsedSignature, message: SignedMessage): SignedMessage {
  if (!parsed.signedHeaders.includes('expect') || message.headers.has('expect')) return message
  return {
    method: message.method,
    rawPath: message.rawPath,
    rawQuery: message.rawQuery,
    headers: new Map(message.headers).set('expect', '100-continue'),
  }
}

function checkTime(parsed: ParsedSignature, nowMs: number): void {
  const signedAtMs = parseAmzDateMs(parsed.amzDate)
  if (parsed.expiresSeconds === undefined) {
    if (Number.isNaN(signedAtMs) || Math.abs(nowMs - signedAtMs) > maxSkewMs) {
      throw new AwsError(
        'RequestTimeTooSkewed',
        `the request's time ${parsed.amzDate} is more than 15 minutes from the server's`,
      )
    }
    return
  }
  if (Number.isNaN(signedAtMs) || signedAtMs - nowMs > maxSkewMs) {
    throw new AwsError('AccessDenied', 'the presigned request is not valid yet')
  }
  if (nowMs > signedAtMs + parsed.expiresSeconds * 1000)
    throw new AwsError('AccessDenied', 'the presigned request has expired')
}

function parseAmzDateMs(amzDate: string): number {
  return Date.parse(
    amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  )
}
