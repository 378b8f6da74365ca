/**
 * The holder of a presigned upload URL must not add `x-amz-copy-source` unsigned: the upload would become a copy of anything that the signer
 * can read. The same holds for tags, grants and similar headers.
 */
import { expect, it } from 'vitest'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'
import { presignUrl } from '../../../src/protocol/sigv4/sign.ts'
import { verifySignature } from '../../../src/protocol/sigv4/verify-signature.ts'

const secret = 'a-secret-of-some-length'
const options = { region: 'us-east-1', service: 's3', nowMs: 0 } as const

/** Presigns an upload that signs some headers, and sends it with additional ones. */
function send(signed: Record<string, string>, added: Record<string, string>): void {
  const upload = { method: 'PUT', url: new URL('http://s3.test/inbox/key'), headers: signed }
  const credentials = { accessKeyId: 'AKEY', secretAccessKey: secret }
  const url = presignUrl(upload, credentials, { ...options, expiresSeconds: 60 })
  const headers = new Map(Object.entries({ host: url.host, ...signed, ...added }))
  const { pathname: rawPath, search } = url
  const message = { method: 'PUT', rawPath, rawQuery: search.slice(1), headers }
  const parsed = parseSignature(message)
  if (parsed === undefined) throw new Error('not signed')
  verifySignature(parsed, message, secret, options)
}

it.each([
  ['x-amz-copy-source', '/private/secret'],
  ['x-amz-copy-source-range', 'bytes=0-1'],
  ['x-amz-tagging', 'public=yes'],
  ['x-amz-acl', 'public-read'],
  ['x-amz-bypass-governance-retention', 'true'],
])('a presigned URL refuses an unsigned %s', (name, value) => {
  expect(() => send({}, { [name]: value })).toThrow(
    expect.objectContaining({ status: 403, details: { HeadersNotSigned: name } }),
  )
  expect(() => send({ [name]: value }, {})).not.toThrow()
})

it('a presigned URL accepts unsigned checksums of the body', () => {
  const added = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-sdk-checksum-algorithm': 'CRC32' }
  expect(() => send({}, { ...added, 'x-amz-user-agent': 'x' })).not.toThrow()
})
