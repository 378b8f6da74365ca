import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../src/protocol/digest.ts'
import { encodeRfc3986, type SignedMessage } from '../../../src/protocol/sigv4/canonical-request.ts'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'
import { listPathSpellings } from '../../../src/protocol/sigv4/path-spellings.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { verifySignature } from '../../../src/protocol/sigv4/verify-signature.ts'
import { parsePresignedV2, verifyPresignedV2 } from '../../../src/protocol/sigv2/presigned.ts'
import { parseQuery } from '../../../src/protocol/query.ts'
import { readAddress } from '../../../src/server/s3/request/address.ts'

const root = { accessKeyId: 'AKEY', secretAccessKey: 'a-secret-of-some-length' }
const nowMs = Date.parse('2026-11-23T16:33:27Z')
const signing = { region: 'us-east-1', service: 's3', nowMs } as const
const payloadHash = sha256Hex('')

/** How a path is signed → the message with another path, verified. Throws for a wrong signature. */
const forms: Record<string, (signed: string, sent: string, isBucketInHost: boolean) => void> = {
  header(signed, rawPath, isBucketInHost) {
    const url = { host: 'h', pathname: signed, search: '' }
    const headers = signRequest({ method: 'GET', url, headers: {}, payloadHash }, root, signing)
    verify({ ...empty, rawPath, headers: new Map(Object.entries(headers)) }, isBucketInHost)
  },
  presigned(signed, rawPath, isBucketInHost) {
    const url = new URL(`http://h${signed}`)
    const { search } = presignUrl({ method: 'GET', url }, root, { ...signing, expiresSeconds: 9 })
    const headers = new Map([['host', 'h']])
    verify({ ...empty, rawPath, rawQuery: search.slice(1), headers }, isBucketInHost)
  },
  'version 2'(signed, rawPath, isBucketInHost) {
    const Expires = String(nowMs / 1000 + 9)
    const bucket = isBucketInHost ? '/photos' : ''
    const text = `GET\n\n\n${Expires}\n${bucket}${signed}`
    const Signature = createHmac('sha1', root.secretAccessKey).update(text).digest('base64')
    const fields = { AWSAccessKeyId: root.accessKeyId, Signature, Expires }
    const rawQuery = new URLSearchParams(fields).toString()
    const parsed = parsePresignedV2(parseQuery(rawQuery))
    if (parsed === undefined) throw new Error('not signed')
    const options = { hostBucket: isBucketInHost ? 'photos' : '', nowMs }
    verifyPresignedV2(parsed, { ...empty, rawPath, rawQuery }, root.secretAccessKey, options)
  },
}

const empty: SignedMessage = { method: 'GET', rawPath: '', rawQuery: '', headers: new Map() }

function verify(message: SignedMessage, isBucketInHost: boolean): void {
  const parsed = parseSignature(message)
  if (parsed === undefined) throw new Error('not signed')
  verifySignature(parsed, message, root.secretAccessKey, { ...signing, isBucketInHost })
}

const canonical = (key: string): string => key.split('/').map(encodeRfc3986).join('/')

/** A key, and the same with each byte spelled in a random way that a URL may have. */
const spelled = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom(...`@=~+/:,;!$&'()*[]{}|^ "<>%#?a-Z0._`),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      ),
      fc.constantFrom('plain', 'upper', 'lower'),
    ),
    { minLength: 1, maxLength: 20 },
  )
  .map((pieces) => ({
    key: pieces.map(([text]) => text).join(''),
    sent: pieces
      .map(([text, how]) => {
        if (how === 'plain' && /^[\w\-.~@=+/:,;!$&'()*]$/.test(text)) return text
        const escaped = [...Buffer.from(text)].map((byte) => {
          const hex = byte.toString(16).padStart(2, '0')
          return `%${how === 'lower' ? hex : hex.toUpperCase()}`
        })
        return escaped.join('')
      })
      .join(''),
  }))
  // A URL has no dot segments.
  .filter(({ key }) => key.isWellFormed() && !/(^|\/)\.{1,2}(\/|$)/.test(key))

describe.each(Object.entries(forms))('a signature in %s', (_, check) => {
  it.each([
    ['/bkt/a/ab%40cd', '/bkt/a/ab@cd'],
    ['/bkt/part%3D1', '/bkt/part=1'],
    ['/bkt/~a', '/bkt/%7Ea'],
    ['/bkt/a%2Bb', '/bkt/a+b'],
    ['/bkt/%C3%A9', '/bkt/%c3%a9'],
    ['/bkt/a/b', '/bkt/a%2Fb'],
    ['/bkt/%28x%29', '/bkt/(x)'],
    // Clients that sign what they send.
    ['/bkt/ab@cd', '/bkt/ab@cd'],
    ['/bkt/%c3%a9', '/bkt/%c3%a9'],
    ['/bkt/a%2Fb', '/bkt/a%2Fb'],
  ])('covers %s where the request has %s', (signed, sent) => {
    expect(() => check(signed, sent, false)).not.toThrow()
  })

  it.each([
    ['/bkt/a%20b', '/bkt/a+b'],
    ['/bkt/a%252Fb', '/bkt/a%2Fb'],
    ['/bkt/key', '/bkt%2Fkey'],
    ['/bkt/a/b', '/bkt/a//b'],
    ['/bkt/b', '/bkt/a/../b'],
  ])('of %s does not cover another address, %s', (signed, sent) => {
    expect(() => check(signed, sent, false)).toThrow('signature')
  })

  it('covers every spelling of a key, and no other key', () => {
    fc.assert(
      fc.property(spelled, fc.boolean(), spelled, ({ key, sent }, isInHost, other) => {
        const bucket = isInHost ? '' : '/bkt'
        const signed = `${bucket}/${canonical(key)}`
        expect(() => check(signed, `${bucket}/${sent}`, isInHost)).not.toThrow()
        if (other.key !== key)
          expect(() => check(signed, `${bucket}/${other.sent}`, isInHost)).toThrow('signature')
      }),
    )
  })
})

it('every text that a signature may cover for a path is an address of the same object', () => {
  const part = fc.constantFrom(
    '/',
    '%2F',
    '%2f',
    '%25',
    'a',
    '@',
    '%40',
    '+',
    '%20',
    '%c3%a9',
    '..',
    '%',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.boolean(), (parts, isInHost) => {
      const rawPath = `/${parts.join('')}`
      const headers = new Map([['host', isInHost ? 'photos.localhost' : 'localhost']])
      const read = (path: string): unknown => {
        try {
          return readAddress({ rawPath: path, headers }, [])
        } catch {
          return 'refused'
        }
      }
      for (const spelling of listPathSpellings(rawPath, isInHost))
        expect(read(spelling)).toEqual(read(rawPath))
    }),
    { numRuns: 1000 },
  )
})
