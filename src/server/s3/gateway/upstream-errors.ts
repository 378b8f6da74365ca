/** Reads errors of the upstream, and makes the errors for an upstream that does not answer. */
import { Readable } from 'node:stream'
import type { PooledAnswer } from '../../../base/http/stream-pool.ts'
import { AwsError, awsErrorStatus } from '../../../protocol/aws-error.ts'
import { parseAnswerXml } from '../../../protocol/parse-answer-xml.ts'
import { childText, type XmlNode } from '../../../protocol/xml.ts'

const maxDocumentBytes = 64 * 1024

/** Elements of an error document about the request. Others may contain the gateway's access key and what it signed. */
const harmlessDetails: ReadonlySet<string> = new Set(
  `ActualObjectSize ActualPartCount ArgumentName ArgumentValue BucketName Condition ETag Header Key MaxSizeAllowed Method MinSizeAllowed PartNumber
  PartNumberRequested
  ProposedSize RangeRequested ResourceType Size UploadId VersionId`.split(/\s+/),
)

/** Headers of an error that clients act on. */
const keptHeaders = [
  'retry-after',
  'content-range',
  'allow',
  // The time of a delete marker.
  'last-modified',
  'x-amz-delete-marker',
  'x-amz-version-id',
]

/** Codes of errors about the signer, which is the gateway, not its client. */
const keyRefusals: ReadonlySet<string> = new Set(
  `AuthorizationHeaderMalformed AuthorizationQueryParametersError ExpiredToken InvalidAccessKeyId InvalidSecurity InvalidToken
  InvalidTokenId NotSignedUp RequestTimeTooSkewed SignatureDoesNotMatch TokenRefreshRequired`.split(
    /\s+/,
  ),
)

/** Codes for answers without a document, such as those to HEAD. */
const codesByStatus: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  405: 'MethodNotAllowed',
  409: 'OperationAborted',
  411: 'MissingContentLength',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'SlowDown',
  501: 'NotImplemented',
  503: 'ServiceUnavailable',
}

/**
 * Reads an error: code, status, message and the harmless details.
 *
 * @returns The error for the client. If the upstream refused the gateway's keys or redirected it, this is `ServiceUnavailable` with
 *   `isOwnFault`; its message has the upstream's code, without any keys.
 */
export async function readRefusal(
  answer: PooledAnswer,
): Promise<{ error: AwsError; isOwnFault: boolean; region: string | undefined }> {
  const { status } = answer
  const root = parseError((await readText(answer, maxDocumentBytes)) ?? '')
  const code = (root && childText(root, 'Code')) ?? codesByStatus[status] ?? `HTTP${status}`
  const region = answer.headers.get('x-amz-bucket-region') ?? (root && childText(root, 'Region'))
  if (status < 400) return { error: sentElsewhere(status, code, region), isOwnFault: true, region }
  if (keyRefusals.has(code)) return { error: keysRefused(code), isOwnFault: true, region }
  const reported = root && childText(root, 'Message')
  const message = reported || `the upstream S3 answered HTTP ${status}`
  const details = root ? readDetails(root) : {}
  // The upstream's words, and its reason if it gives one, are passed on as they are.
  const reason = (root && childText(root, 'Reason')) || message
  const options = { status, details, headers: readKept(answer), sentence: message }
  const error = new AwsError(code, reason, options)
  return { error, isOwnFault: false, region }
}

/**
 * Returns the error of a document in an answer that began with 200, with the harmless details only; undefined if it is no Error document. White space
 * before it is what the upstream sent while it worked.
 */
export function readErrorDocument(text: string): AwsError | undefined {
  const root = parseError(text)
  if (!root) return undefined
  const code = childText(root, 'Code') ?? 'InternalError'
  const message = childText(root, 'Message') || 'the upstream S3 failed while it worked'
  if (keyRefusals.has(code)) return keysRefused(code)
  return new AwsError(code, message, { status: statusOf(code), details: readDetails(root) })
}

/**
 * Reads the text of an answer.
 *
 * @returns Undefined if it is longer than `maxBytes` or broke off.
 */
export async function readText(
  { body }: PooledAnswer,
  maxBytes: number,
): Promise<string | undefined> {
  if (!(body instanceof Readable)) return body.length > maxBytes ? undefined : body.toString()
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) return undefined
      chunks.push(chunk)
    }
  } catch {
    // A part of the text is not usable.
    return undefined
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Returns the error for a request without an answer: `ServiceUnavailable` with only the code of the cause. Errors of the request's own body,
 * and bugs, are returned unchanged.
 */
export function toUnavailable(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  if (error instanceof AwsError || code === undefined || code === 'UND_ERR_INVALID_ARG')
    return error
  const what = /TIMEOUT|TIMEDOUT/.test(code) ? 'did not answer in time' : 'cannot be reached'
  return new AwsError('ServiceUnavailable', `the upstream S3 ${what} (${code})`, { cause: error })
}

function statusOf(code: string): number {
  const known: Readonly<Record<string, number>> = awsErrorStatus
  return (Object.hasOwn(known, code) ? known[code] : undefined) ?? 500
}

function parseError(text: string): XmlNode | undefined {
  if (text === '') return undefined
  try {
    const root = parseAnswerXml(text, { maxBytes: maxDocumentBytes, maxDepth: 8 })
    return root.name === 'Error' ? root : undefined
  } catch {
    // Not XML, such as a proxy's page: only the status is known.
    return undefined
  }
}

function readDetails(root: XmlNode): Record<string, string> {
  const found = root.children.filter(({ name }) => harmlessDetails.has(name))
  return Object.fromEntries(found.map(({ name, text }) => [name, text]))
}

function readKept({ headers }: PooledAnswer): Record<string, string> {
  return Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = headers.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function keysRefused(code: string): AwsError {
  return new AwsError(
    'ServiceUnavailable',
    `the upstream S3 refused the gateway's own request (${code})`,
  )
}

function sentElsewhere(status: number, code: string, region: string | undefined): AwsError {
  const where = region === undefined ? '' : ` to region ${region}`
  return new AwsError(
    'ServiceUnavailable',
    `the upstream S3 sent the gateway elsewhere${where} (${status} ${code})`,
  )
}
