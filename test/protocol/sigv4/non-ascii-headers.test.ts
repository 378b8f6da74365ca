import { createHash, createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { deriveSigningKey } from '../../../src/protocol/sigv4/signing-key.ts'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'
import { signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { verifySignature } from '../../../src/protocol/sigv4/verify-signature.ts'

const secret = 'a-secret-of-some-length'
const scope = { date: '20261124', region: 'us-east-1', service: 's3' }

/** Signs the bytes of the request, as curl does. */
function signBytes(value: Buffer): string {
  const head = 'PUT\n/photos/a\n\nhost:h\nx-amz-date:20261124T000000Z\nx-amz-meta-word:'
  const tail = '\n\nhost;x-amz-date;x-amz-meta-word\nUNSIGNED-PAYLOAD'
  const canonical = Buffer.concat([Buffer.from(head), value, Buffer.from(tail)])
  const hash = createHash('sha256').update(canonical).digest('hex')
  const text = `AWS4-HMAC-SHA256\n20261124T000000Z\n20261124/us-east-1/s3/aws4_request\n${hash}`
  return createHmac('sha256', deriveSigningKey(secret, scope)).update(text).digest('hex')
}

// UTF-8 must be hashed as its bytes; the last byte of «à», a space in Latin-1, must not be trimmed.
it.each(['caf\u00e9', 'voil\u00e0', '\u{1F600}'])(
  'metadata %s is signed as its UTF-8 bytes',
  (word) => {
    const bytes = Buffer.from(word)
    const signature = signBytes(bytes)
    const credential = 'KEY/20261124/us-east-1/s3/aws4_request'
    const headers = new Map([
      ['host', 'h'],
      ['x-amz-date', '20261124T000000Z'],
      ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
      // as node:http decodes it
      ['x-amz-meta-word', bytes.toString('latin1')],
      [
        'authorization',
        `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date;x-amz-meta-word, Signature=${signature}`,
      ],
    ])
    const message = { method: 'PUT', rawPath: '/photos/a', rawQuery: '', headers }
    const parsed = parseSignature(message)
    const options = { region: 'us-east-1', service: 's3', nowMs: Date.UTC(2026, 10, 24) } as const
    expect(parsed && verifySignature(parsed, message, secret, options).signature).toBe(signature)

    const sent = signRequest(
      {
        method: 'PUT',
        url: new URL('http://h/photos/a'),
        headers: { 'x-amz-meta-word': bytes.toString('latin1') },
        payloadHash: 'UNSIGNED-PAYLOAD',
      },
      { accessKeyId: 'KEY', secretAccessKey: secret },
      options,
    )
    const again = { ...message, headers: new Map(Object.entries(sent)) }
    const parsedAgain = parseSignature(again)
    expect(
      parsedAgain && (() => verifySignature(parsedAgain, again, secret, options)),
    ).not.toThrow()
  },
)
