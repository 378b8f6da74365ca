import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { AwsError } from '../../src/protocol/aws-error.ts'
import { codesWithoutSentence, findS3Sentence } from '../../src/protocol/s3-sentences.ts'
import { decodeS3Error, encodeS3Error } from '../../src/protocol/s3-wire.ts'
import { texts } from '../support/server/s3-harness.ts'

const context = { resource: '/b/k', requestId: '18EA', hostId: 'h' }

/** Codes of files that the STS and S3 share, thrown for the STS only. */
const codesOfSts = new Set(['InvalidIdentityToken', 'InvalidParameterValue', 'ValidationError'])

/** Returns the codes of the errors that a folder's files create. */
function listCodes(folder: string): string[] {
  const root = path.join(import.meta.dirname, '../../src', folder)
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(path.join(root, name), 'utf8').matchAll(/new AwsError\(\s*'(\w+)'/g),
    ])
    .map((match) => match[1] ?? '')
}

it.each(['server/s3', 'server/identity', 'server/http', 'protocol/sigv4', 'protocol/sigv2'])(
  'each error code of src/%s has S3’s sentence, or is known to have none',
  (folder) => {
    const codes = new Set(listCodes(folder))
    const missing = [...codes].filter((code) => {
      const isKnown = codesWithoutSentence.has(code) || codesOfSts.has(code)
      return findS3Sentence(code) === undefined && !isKnown
    })
    expect(missing).toEqual([])
  },
)

it('a document has S3’s sentence as its message, and the server’s own as its reason', () => {
  const document = encodeS3Error(new AwsError('AccessDenied', 'you may not <x>'), context)
  expect(texts(document, 'Message')).toEqual(['Access Denied.'])
  expect(texts(document, 'Reason')).toEqual(['you may not &lt;x&gt;'])
  expect(decodeS3Error(403, document).message).toBe('you may not <x>')
})

it('a sentence of the case stands before that of the code', () => {
  const options = { sentence: 'Request has expired' }
  const document = encodeS3Error(new AwsError('AccessDenied', 'at 10:00', options), context)
  expect(texts(document, 'Message')).toEqual(['Request has expired'])
  expect(texts(document, 'Reason')).toEqual(['at 10:00'])
})

it('a code without a sentence has its reason as the message, and no second element', () => {
  const document = encodeS3Error(new AwsError('InvalidArgument', 'x must be y'), context)
  expect(texts(document, 'Message')).toEqual(['x must be y'])
  expect(texts(document, 'Reason')).toEqual([])
})
