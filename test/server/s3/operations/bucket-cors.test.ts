import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CorsRule } from '../../../../src/server/http/cors-rules.ts'
import { createCorsLookup } from '../../../../src/server/s3/create-cors-lookup.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import { readCorsRules } from '../../../../src/server/s3/request/cors-document.ts'
import { createStoreBackend } from '../../../../src/server/s3/store/store-backend.ts'
import { makeHttpRequest } from '../../../support/server/make-request.ts'
import { openHarness, type Answer, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

const one = `<CORSRule><ID>one</ID><AllowedOrigin>https://*.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><MaxAgeSeconds>30</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader></CORSRule>`
const wrap = (rules: string): string =>
  `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules}</CORSConfiguration>`
const plain = (extra: string): string =>
  `<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>${extra}</CORSRule>`

function put(body: string, headers?: Record<string, string>, bucket = 'photos'): Promise<Answer> {
  const md5 = createHash('md5').update(body).digest('base64')
  return s3.send('PUT', `/${bucket}?cors`, { body, headers: headers ?? { 'content-md5': md5 } })
}

/** Asks for the rules as a server with the same folder does. */
async function findRules(
  rawPath: string,
  host = '127.0.0.1',
): Promise<readonly CorsRule[] | undefined> {
  const backend = createStoreBackend(s3.objects)
  return createCorsLookup(
    backend,
    [],
  )(makeHttpRequest({ rawPath, headers: new Map([['host', host]]) }))
}

describe('the CORS rules of a bucket', () => {
  it('rules are stored, returned as they were understood, and removed', async () => {
    expect(await s3.send('GET', '/photos?cors')).toMatchObject({
      status: 404,
      code: 'NoSuchCORSConfiguration',
    })
    expect((await put(wrap(one))).status).toBe(200)
    expect((await s3.send('GET', '/photos?cors')).text).toContain(wrap(one))
    expect((await s3.send('DELETE', '/photos?cors')).status).toBe(204)
    expect((await s3.send('DELETE', '/photos?cors')).status).toBe(204)
    expect((await s3.send('GET', '/photos?cors')).status).toBe(404)
  })

  it('each operation asks for its own action, and a bucket that does not exist is named', async () => {
    s3.asked.length = 0
    await put(wrap(one))
    await s3.send('GET', '/photos?cors')
    await s3.send('DELETE', '/photos?cors')
    expect(s3.asked.map(({ action }) => action)).toEqual([
      's3:PutBucketCors',
      's3:GetBucketCors',
      's3:PutBucketCors',
    ])
    const answers = [
      await put(wrap(one), undefined, 'nothing-here'),
      await s3.send('GET', '/nothing-here?cors'),
      await s3.send('DELETE', '/nothing-here?cors'),
    ]
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 404, code: 'NoSuchBucket' })
  })

  it('the rules are found for every address of the bucket, by another process too, and go with the bucket', async () => {
    await put(wrap(one))
    const rules = readCorsRules(wrap(one))
    for (const path of ['/photos', '/photos/', '/photos/a/b'])
      expect(await findRules(path)).toEqual(rules)
    expect(await findRules('/a', 'photos.localhost')).toEqual(rules)
    const reopened = await openFilesystemStore(s3.folder, { nowMs: () => 0 })
    expect(await reopened.readBucketDocument('photos', 'cors')).toContain('https://*.example')
    await s3.send('DELETE', '/photos')
    expect(await findRules('/photos')).toBeUndefined()
    await s3.send('PUT', '/photos')
    expect(await findRules('/photos')).toBeUndefined()
    expect((await s3.send('GET', '/photos?cors')).code).toBe('NoSuchCORSConfiguration')
  })

  it.each(['/', '/nothing-here/a', '/%2e%2e/x', '/.sts-cli/settings', '//photos', '/%', '/PHOTOS'])(
    'the address %s has no rules, whether there is such a bucket or not',
    async (path) => {
      await put(wrap(one))
      expect(await findRules(path)).toBeUndefined()
    },
  )

  it('a document without a digest is refused', async () => {
    expect(await put(wrap(one), {})).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(await put(wrap(one), { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' })).toMatchObject({
      status: 400,
      code: 'BadDigest',
    })
    expect((await s3.send('GET', '/photos?cors')).status).toBe(404)
  })

  it.each<[string, string, string]>([
    ['no rule', wrap(''), 'MalformedXML'],
    ['another root', '<Cors/>', 'MalformedXML'],
    [
      'a rule without an origin',
      wrap('<CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule>'),
      'MalformedXML',
    ],
    [
      'a rule without a method',
      wrap('<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>'),
      'MalformedXML',
    ],
    ['an element that rules do not have', wrap(plain('<Colour>blue</Colour>')), 'MalformedXML'],
    ['two IDs', wrap(plain('<ID>a</ID><ID>b</ID>')), 'MalformedXML'],
    [
      'an age that is not a number',
      wrap(plain('<MaxAgeSeconds>-1</MaxAgeSeconds>')),
      'MalformedXML',
    ],
    [
      'a method that S3 does not have',
      wrap(plain('<AllowedMethod>PATCH</AllowedMethod>')),
      'InvalidRequest',
    ],
    [
      'two stars in an origin',
      wrap(plain('<AllowedOrigin>http://*.*</AllowedOrigin>')),
      'InvalidRequest',
    ],
    ['two stars in a header', wrap(plain('<AllowedHeader>*x*</AllowedHeader>')), 'InvalidRequest'],
    [
      'a star in an exposed header',
      wrap(plain('<ExposeHeader>x-amz-*</ExposeHeader>')),
      'InvalidRequest',
    ],
    [
      'a line end in an exposed header',
      wrap(plain('<ExposeHeader>a&#10;b: c</ExposeHeader>')),
      'InvalidRequest',
    ],
    ['an ID of 256 characters', wrap(plain(`<ID>${'a'.repeat(256)}</ID>`)), 'InvalidRequest'],
    ['101 rules', wrap(plain('').repeat(101)), 'InvalidRequest'],
    ['more than 64 KiB', wrap(plain(`<ID>${'a'.repeat(65_536)}</ID>`)), 'EntityTooLarge'],
  ])('a document with %s is refused, and nothing is stored', async (_, body, code) => {
    expect(await put(body)).toMatchObject({ status: 400, code })
    expect((await s3.send('GET', '/photos?cors')).status).toBe(404)
  })

  it('a hundred rules and an ID of 255 characters are taken', async () => {
    const rules = plain('').repeat(99) + plain(`<ID>${'a'.repeat(255)}</ID>`)
    expect((await put(wrap(rules))).status).toBe(200)
  })

  it('what is read, written and read again are the same rules', async () => {
    const name = fc.stringMatching(/^[A-Za-z-]{1,10}$/)
    const anyRule = fc.record({
      id: fc.option(
        fc.stringMatching(/^[ -~]{1,20}$/).map((text) => text.trim()),
        { nil: undefined },
      ),
      origin: fc.constantFrom('*', 'https://*.example', "http://a'b&c"),
      method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
      header: name,
      exposed: name,
      age: fc.option(fc.nat(999_999_999), { nil: undefined }),
    })
    const escape = (text: string): string =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    await fc.assert(
      fc.asyncProperty(fc.array(anyRule, { minLength: 1, maxLength: 5 }), async (rules) => {
        const body = rules
          .map(({ id, origin, method, header, exposed, age }) => {
            const first = id === undefined ? '' : `<ID>${escape(id)}</ID>`
            const last = age === undefined ? '' : `<MaxAgeSeconds>${age}</MaxAgeSeconds>`
            return `<CORSRule>${first}<AllowedOrigin>${escape(origin)}</AllowedOrigin><AllowedMethod>${method}</AllowedMethod><AllowedHeader>${header}</AllowedHeader><ExposeHeader>${exposed}</ExposeHeader>${last}</CORSRule>`
          })
          .join('')
        expect((await put(wrap(body))).status).toBe(200)
        const { text } = await s3.send('GET', '/photos?cors')
        expect(readCorsRules(text)).toEqual(readCorsRules(wrap(body)))
        expect(await findRules('/photos')).toEqual(readCorsRules(wrap(body)))
      }),
      { numRuns: 20 },
    )
  })
})
