import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import { type SignedMessage } from '../../../src/protocol/sigv4/canonical-request.ts'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'
import { verifySignature } from '../../../src/protocol/sigv4/verify-signature.ts'
import { decodeFormText } from '../../../src/protocol/query.ts'

interface RecordedRequest {
  client: string
  method: string
  path: string
  headers: Record<string, string>
}

const vector = (name: string): string =>
  readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8')
const credentials = JSON.parse(vector('s3-clients-credentials.json')) as {
  secretAccessKey: string
  sessionToken: string
}
const recorded = vector('s3-clients.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedRequest)

function toMessage({ method, path, headers }: RecordedRequest): SignedMessage {
  const at = path.indexOf('?')
  const lower = Object.entries(headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value === '(session token)' ? credentials.sessionToken : value,
  ])
  return {
    method,
    rawPath: at === -1 ? path : path.slice(0, at),
    rawQuery: at === -1 ? '' : path.slice(at + 1),
    headers: new Map(lower),
  }
}

function verify(message: SignedMessage): void {
  const parsed = parseSignature(message)
  if (parsed === undefined) throw new Error('not signed')
  const nowMs = Date.parse(
    parsed.amzDate.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  )
  verifySignature(parsed, message, credentials.secretAccessKey, {
    region: 'us-east-1',
    service: 's3',
    nowMs,
  })
}

/** Returns the text with the character at `index` replaced by another letter. */
function changeByte(text: string, index: number): string {
  const other = text[index] === 'a' ? 'b' : 'a'
  return text.slice(0, index) + other + text.slice(index + 1)
}

function expectRefusal(message: SignedMessage): void {
  expect(() => verify(message)).toThrow(AwsError)
}

describe('recorded requests of seven S3 clients', () => {
  it('the vectors hold 91 recorded requests', () => {
    expect(recorded).toHaveLength(91)
  })

  it.each(
    recorded.map((request, index) => [index, request.client, request.method, request] as const),
  )(
    'the recorded request %i of %s (%s) verifies, and fails with any byte changed',
    (_index, _client, _method, request) => {
      const message = toMessage(request)
      verify(message)

      for (let i = 1; i < message.rawPath.length; i += 1) {
        // A changed percent-escape digit may be malformed, which is refused earlier; it is never accepted.
        expectRefusal({ ...message, rawPath: changeByte(message.rawPath, i) })
      }
      for (let i = 0; i < message.rawQuery.length; i += 1) {
        if ('=&%'.includes(message.rawQuery[i] ?? '')) continue
        const rawQuery = changeByte(message.rawQuery, i)
        if (decodeFormText(rawQuery) === decodeFormText(message.rawQuery)) continue
        expectRefusal({ ...message, rawQuery })
      }
      for (const name of parseSignature(message)?.signedHeaders ?? []) {
        const value = message.headers.get(name) ?? ''
        const headers = new Map(message.headers).set(
          name,
          value === '' ? 'a' : changeByte(value, value.length >> 1),
        )
        expectRefusal({ ...message, headers })
      }
      const hash = message.headers.get('x-amz-content-sha256')
      if (hash !== undefined) {
        const headers = new Map(message.headers).set('x-amz-content-sha256', changeByte(hash, 5))
        expectRefusal({ ...message, headers })
      }
      expectRefusal({ ...message, method: message.method === 'GET' ? 'PUT' : 'GET' })
    },
  )
})
