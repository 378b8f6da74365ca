/**
 * S3's error document in both directions (docs/wire.md §3.3: the element order is MinIO's, which is S3's with `Key` and `BucketName`). `Message`
 * is S3's sentence for the code; `Reason`, the last element, is this server's own and says what exactly was refused.
 */
import { AwsError } from './aws-error.ts'
import { findS3Sentence } from './s3-sentences.ts'
import { parseAnswerXml } from './parse-answer-xml.ts'
import { childText, escapeXml } from './xml.ts'

export interface S3ErrorContext {
  /** The decoded path of the request. */
  readonly resource: string
  readonly requestId: string
  readonly hostId: string
}

/** Returns the sentence and, if it says more, the reason of an error. Without a sentence, the reason is the message. */
export function describeS3Error(error: Pick<AwsError, 'code' | 'message' | 'sentence'>): {
  message: string
  reason: string | undefined
} {
  const message = error.sentence ?? findS3Sentence(error.code) ?? error.message
  return { message, reason: message === error.message ? undefined : error.message }
}

/** Returns the error document. Details come between the message and the resource, in the given order: `Key`, `BucketName`, `Region`. */
export function encodeS3Error(error: AwsError, context: S3ErrorContext): string {
  let details = ''
  for (const [name, value] of Object.entries(error.details))
    details += `<${name}>${escapeXml(value)}</${name}>`
  const { message, reason } = describeS3Error(error)
  const own = reason === undefined ? '' : `<Reason>${escapeXml(reason)}</Reason>`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(message)}</Message>${details}<Resource>${escapeXml(context.resource)}</Resource><RequestId>${escapeXml(context.requestId)}</RequestId><HostId>${escapeXml(context.hostId)}</HostId>${own}</Error>`
}

/** Parses an S3 error answer; its message is the reason where the server gives one. An answer without a document (an answer to HEAD, a proxy's page) is named after its status. */
export function decodeS3Error(status: number, body: string): AwsError {
  try {
    const root = parseAnswerXml(body, { maxBytes: 64 * 1024, maxDepth: 8 })
    const code = childText(root, 'Code')
    if (root.name === 'Error' && code !== undefined && code !== '') {
      const requestId = childText(root, 'RequestId')
      const region = childText(root, 'Region')
      const details = region === undefined ? {} : { Region: region }
      const message = childText(root, 'Reason') ?? childText(root, 'Message') ?? ''
      return new AwsError(code, message, { status, requestId, details })
    }
  } catch {
    // Not XML: only the status says what happened.
  }
  return new AwsError(
    status === 403 ? 'AccessDenied' : `HTTP${status}`,
    `the server answered HTTP ${status}`,
    { status },
  )
}
