/** S3's error document in both directions (docs/wire.md §3.3: the element order is MinIO's, which is S3's with `Key` and `BucketName`). */
import { AwsError } from './aws-error.ts'
import { parseAnswerXml } from './parse-answer-xml.ts'
import { childText, escapeXml } from './xml.ts'

export interface S3ErrorContext {
  /** The decoded path of the request. */
  readonly resource: string
  readonly requestId: string
  readonly hostId: string
}

/** Returns the error document. Details come between the message and the resource, in the given order: `Key`, `BucketName`, `Region`. */
export function encodeS3Error(error: AwsError, context: S3ErrorContext): string {
  let details = ''
  for (const [name, value] of Object.entries(error.details))
    details += `<${name}>${escapeXml(value)}</${name}>`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>${details}<Resource>${escapeXml(context.resource)}</Resource><RequestId>${escapeXml(context.requestId)}</RequestId><HostId>${escapeXml(context.hostId)}</HostId></Error>`
}

/** Parses an S3 error answer; one without a document (an answer to HEAD, a proxy's page) is named after its status. */
export function decodeS3Error(status: number, body: string): AwsError {
  try {
    const root = parseAnswerXml(body, { maxBytes: 64 * 1024, maxDepth: 8 })
    const code = childText(root, 'Code')
    if (root.name === 'Error' && code !== undefined && code !== '') {
      const requestId = childText(root, 'RequestId')
      const region = childText(root, 'Region')
      const details = region === undefined ? {} : { Region: region }
      return new AwsError(code, childText(root, 'Message') ?? '', { status, requestId, details })
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
