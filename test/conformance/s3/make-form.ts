/** Upload forms as browsers send them (Amazon S3 API Reference, "Browser-based uploads using POST"). */
import { formatAmzDate } from '../../../src/protocol/dates.ts'
import { hmac } from '../../../src/protocol/digest.ts'
import { formatScope } from '../../../src/protocol/sigv4/canonical-request.ts'
import { deriveSigningKey } from '../../../src/protocol/sigv4/signing-key.ts'

type Fields = readonly (readonly [name: string, value: string])[]

export interface FormSigner {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly nowMs: number
}

const boundary = 'a-boundary-of-the-conformance-table'

/** The content type of the body that `encodeForm` returns. */
export const formType = `multipart/form-data; boundary=${boundary}`

/**
 * Returns the fields with those of a signature. The field `policy`, which is JSON, gets conditions for them, and is encoded. Text that is not
 * JSON is signed as it is.
 */
export function signForm(fields: Fields, signer: FormSigner): Fields {
  const amzDate = formatAmzDate(signer.nowMs)
  const scope = { date: amzDate.slice(0, 8), region: signer.region, service: 's3' }
  const signed: Fields = [
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${signer.accessKeyId}/${formatScope(scope)}`],
    ['x-amz-date', amzDate],
  ]
  const text = fields.find(([name]) => name === 'policy')?.[1] ?? ''
  const policy = Buffer.from(addConditions(text, signed)).toString('base64')
  const key = deriveSigningKey(signer.secretAccessKey, scope)
  const signature = hmac('sha256', key, policy).toString('hex')
  const others = fields.filter(([name]) => name !== 'policy')
  return [...signed, ['policy', policy], ['x-amz-signature', signature], ...others]
}

function addConditions(policy: string, signed: Fields): string {
  try {
    const parsed = JSON.parse(policy) as { conditions?: unknown }
    if (!Array.isArray(parsed.conditions)) return policy
    const conditions = signed.map(([name, value]) => ({ [name]: value }))
    return JSON.stringify({
      ...parsed,
      conditions: [...(parsed.conditions as unknown[]), ...conditions],
    })
  } catch {
    return policy
  }
}

/** Returns the body of a form. The field `file` is a file with the name `name.txt`. */
export function encodeForm(fields: Fields): string {
  const parts = fields.map(([name, value]) => {
    const file = name === 'file' ? '; filename="name.txt"\r\nContent-Type: text/plain' : ''
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`
  })
  return `${parts.join('')}--${boundary}--\r\n`
}
