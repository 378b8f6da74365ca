import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  md5,
  openHarness,
  root,
  startMs,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'
import {
  encodeForm,
  makeFields,
  makeFieldsV2,
  signPolicy,
  type EncodedForm,
  type FormOptions,
} from '../../../support/server/upload-forms.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(async () => {
  vi.useRealTimers()
  await s3.close()
})

function post(
  { headers, body }: { headers: EncodedForm['headers']; body: Buffer | Readable },
  target = '/photos',
): Promise<Answer> {
  const length = body instanceof Readable ? {} : { 'content-length': String(body.length) }
  return s3.send('POST', target, { isAnonymous: true, headers: { ...headers, ...length }, body })
}

type Given = Partial<FormOptions> & {
  /** The change is made to the form after it was signed. */
  readonly change?: (fields: Record<string, string>) => void
  readonly file?: string | Uint8Array
  readonly fileName?: string
  readonly after?: Record<string, string>
}

function encode({
  change,
  file = 'a photo',
  fileName,
  after,
  ...options
}: Given = {}): Promise<EncodedForm> {
  const fields = makeFields({ signer: root, nowMs: startMs, fields: { key: 'a' }, ...options })
  change?.(fields)
  return encodeForm(fields, file, {
    ...(fileName ? { fileName } : {}),
    ...(after ? { after } : {}),
  })
}

const upload = async (given: Given = {}, target?: string): Promise<Answer> =>
  post(await encode(given), target)

/** Expects that the bucket is unchanged and that the staging folder is empty. */
async function expectNothingStored(): Promise<void> {
  expect(await readdir(join(s3.folder, '.sts-cli/tmp'))).toEqual([])
  expect(await readdir(join(s3.folder, 'photos'))).toEqual([])
}

describe('an allowed upload form', () => {
  it('an allowed upload form stores its file and gets the answer 204', async () => {
    const answer = await upload()

    expect(answer).toMatchObject({ status: 204, text: '' })
    expect(answer.headers['etag']).toBe(`"${md5('a photo')}"`)
    expect(answer.headers['location']).toBe('http://127.0.0.1:9000/photos/a')
    expect((await s3.send('GET', '/photos/a')).text).toBe('a photo')
    expect(answer.log).toMatchObject({
      operation: 'PostObject',
      action: 's3:PutObject',
      principal: 'root',
    })
  })

  it('an upload form sets the headers, the metadata and the tags of its object', async () => {
    const fields = {
      key: 'a',
      'Content-Type': 'image/jpeg',
      'Cache-Control': 'max-age=5',
      'Content-Disposition': 'attachment',
      'x-amz-meta-Place': 'Zürich',
      acl: 'private',
      tagging: '<Tagging><TagSet><Tag><Key>k</Key><Value>v w</Value></Tag></TagSet></Tagging>',
    }
    expect((await upload({ fields })).status).toBe(204)

    const { headers } = await s3.send('HEAD', '/photos/a')
    expect(headers).toMatchObject({
      'content-type': 'image/jpeg',
      'cache-control': 'max-age=5',
      'content-disposition': 'attachment',
      'x-amz-meta-place': Buffer.from('Zürich').toString('latin1'),
    })
    expect(texts((await s3.send('GET', '/photos/a?tagging')).text, 'Value')).toEqual(['v w'])
  })

  it('an upload form is refused if the request has x-amz- headers, which no form signs', async () => {
    const { headers, body } = await encode()
    const answer = await post({ headers: { ...headers, 'x-amz-acl': 'public-read' }, body })
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(texts(answer.text, 'HeadersNotSigned')).toEqual(['x-amz-acl'])
    await expectNothingStored()
  })

  it('the content type of an uploaded object comes only from the form fields', async () => {
    await upload()
    const { headers } = await s3.send('HEAD', '/photos/a')
    expect(headers['content-type']).toBe('binary/octet-stream')
  })

  it.each([
    ['uploads/${filename}', 'photo.jpg', 'uploads/photo.jpg'],
    ['uploads/${filename}', 'C:\\My photos\\a b+ü.jpg', 'uploads/a b+ü.jpg'],
    ['uploads/${filename}', '../../other/x', 'uploads/x'],
    ['${filename}-${filename}', '$&', '$&-$&'],
  ])('the form key %s with the file name %s makes the key %s', async (key, fileName, expected) => {
    const prefix = key.split('$')[0]
    const conditions = [['starts-with', '$key', prefix]]
    const answer = await upload({ fields: { key, 'x-ignore-me': 'x' }, conditions, fileName })

    expect(answer.status).toBe(204)
    const path = expected.split('/').map(encodeURIComponent).join('/')
    expect((await s3.send('GET', `/photos/${path}`)).text).toBe('a photo')
  })

  it('an upload form may send its file as a text field and write field names in capitals', async () => {
    const { headers, body } = await encode({ file: '' })
    const text = body
      .toString('latin1')
      .replace(
        '; filename="photo.jpg"\r\nContent-Type: application/octet-stream\r\n\r\n',
        '\r\n\r\na text',
      )
    const answer = await post({
      headers,
      body: Buffer.from(text.replace('"key"', '"KEY"'), 'latin1'),
    })

    expect(answer.status).toBe(204)
    expect((await s3.send('GET', '/photos/a')).text).toBe('a text')
  })

  it('the server ignores the form fields that come after the file', async () => {
    const after = { key: 'b', acl: 'public-read', 'x-amz-signature': 'x', submit: 'Upload' }
    expect((await upload({ after })).status).toBe(204)
    expect((await s3.send('GET', '/photos/a')).status).toBe(200)
    expect((await s3.send('GET', '/photos/b')).code).toBe('NoSuchKey')
  })

  it('an upload form may be sent to the host name of a bucket', async () => {
    const { headers, body } = await encode()
    const answer = await post({ headers: { ...headers, host: 'photos.localhost:9000' }, body }, '/')
    expect(answer.status).toBe(204)
    expect(answer.headers['location']).toBe('http://photos.localhost:9000/a')
    expect((await s3.send('GET', '/photos/a')).text).toBe('a photo')
  })

  it('an upload form of several megabytes is stored when it arrives in pieces of any size', async () => {
    const file = randomBytes(3_000_001)
    const { headers, body } = await encode({ file })
    const pieces = function* (): Generator<Buffer> {
      for (let at = 0; at < 4000; at += 7) yield body.subarray(at, Math.min(at + 7, 4000))
      for (let at = 4000; at < body.length; at += 61_001) yield body.subarray(at, at + 61_001)
    }
    expect((await post({ headers, body: Readable.from(pieces()) })).status).toBe(204)
    const { body: stored } = await s3.send('GET', '/photos/a')
    expect(stored.equals(file)).toBe(true)
  })

  it('an upload form asks the policies as a PUT of its key does, with authType POST and without secrets', async () => {
    s3.asked.length = 0
    await upload({ fields: { key: 'a', 'x-amz-meta-colour': 'blue' } })
    const [asked] = s3.asked
    expect(asked).toMatchObject({ action: 's3:PutObject', bucket: 'photos', object: 'a' })
    expect(asked?.conditions.get('authType')).toEqual(['POST'])
    expect(asked?.conditions.get('signatureversion')).toEqual(['AWS4-HMAC-SHA256'])
    expect(asked?.conditions.get('X-Amz-Meta-Colour')).toEqual(['blue'])
    expect([...(asked?.conditions.keys() ?? [])].join()).not.toMatch(
      /policy|signature,|credential/i,
    )
  })

  it('an upload form that the policies deny is refused, and nothing is stored', async () => {
    s3.allow = () => false
    const answer = await upload()
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
    s3.allow = () => true
    await expectNothingStored()
  })

  it('a request header is not used as a form field', async () => {
    const { headers, body } = await encode()
    const sly = { 'cache-control': 'no-store', 'content-disposition': 'inline' }
    expect((await post({ headers: { ...headers, ...sly }, body })).status).toBe(204)
    const stored = await s3.send('HEAD', '/photos/a')
    expect(stored.headers).not.toHaveProperty('cache-control')
    expect(stored.headers).not.toHaveProperty('content-disposition')
  })

  it.each(['if-match', 'if-none-match'])('an upload form with %s is refused', async (name) => {
    const { headers, body } = await encode()
    const answer = await post({ headers: { ...headers, [name]: '*' }, body })
    expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' })
    await expectNothingStored()
  })
})

describe('forms as clients write them', () => {
  it('operators and names of conditions, and names of fields, are read in any case', async () => {
    const fields = { key: 'foo.txt', acl: 'private', 'Content-Type': 'text/plain' }
    const conditions = [
      ['StArTs-WiTh', '$KeY', 'foo'],
      { AcL: 'private' },
      ['EQ', '$CoNtEnT-TyPe', 'text/plain'],
      ['Content-Length-Range', 0, 1024],
    ]
    const change = (all: Record<string, string>): void => {
      for (const [name, spelled] of [
        ['key', 'kEy'],
        ['acl', 'aCl'],
        ['policy', 'pOLICy'],
      ] as const) {
        all[spelled] = all[name] ?? ''
        delete all[name]
      }
    }
    expect((await upload({ fields, conditions, change })).status).toBe(204)
    expect((await s3.send('GET', '/photos/foo.txt')).headers['content-type']).toBe('text/plain')
  })

  it('a backslash before a dollar stays in the key and in its condition', async () => {
    const conditions = [['starts-with', '$key', '\\$foo']]
    expect((await upload({ fields: { key: '\\$foo.txt' }, conditions })).status).toBe(204)
    expect((await s3.send('GET', '/photos/%5C%24foo.txt')).text).toBe('a photo')
  })

  it('an empty content type is none, and text after the last boundary is ignored', async () => {
    const fields = { key: 'a', 'Content-Type': '' }
    const { headers, body } = await encode({
      fields,
      conditions: [{ key: 'a' }, ['starts-with', '$Content-Type', '']],
    })
    const answer = await post({ headers, body: Buffer.concat([body, Buffer.from('a tail')]) })
    expect(answer.status).toBe(204)
    const stored = await s3.send('GET', '/photos/a')
    expect(stored).toMatchObject({ text: 'a photo' })
    expect(stored.headers['content-type']).toBe('binary/octet-stream')
  })

  it('a website redirect location is kept and said back, if it is a path or a web address', async () => {
    const name = 'x-amz-website-redirect-location'
    expect((await upload({ fields: { key: 'a', [name]: '/there' } })).status).toBe(204)
    expect((await s3.send('HEAD', '/photos/a')).headers[name]).toBe('/there')
    const refused = await upload({ fields: { key: 'b', [name]: 'ftp://example.com' } })
    expect(refused).toMatchObject({ status: 400, code: 'InvalidRedirectLocation' })
  })

  it('a checksum field of an algorithm that S3 does not have is refused', async () => {
    const answer = await upload({ fields: { key: 'a', 'x-amz-checksum-crc16': 'AAA=' } })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
    await expectNothingStored()
  })
})

describe('the answer to a stored form', () => {
  it.each([
    ['200', 200],
    ['204', 204],
    ['299', 204],
  ])('success_action_status %s makes the status %i without a body', async (asked, status) => {
    const answer = await upload({ fields: { key: 'a', success_action_status: asked } })
    expect(answer).toMatchObject({ status, text: '' })
  })

  it('success_action_status 201 makes an XML document with bucket, key, location and ETag', async () => {
    const key = 'a & <b>'
    const answer = await upload({ fields: { key, success_action_status: '201' } })
    expect(answer.status).toBe(201)
    expect(texts(answer.text, 'Bucket')).toEqual(['photos'])
    expect(texts(answer.text, 'Key')).toEqual(['a &amp; &lt;b&gt;'])
    expect(texts(answer.text, 'Location')).toEqual([
      'http://127.0.0.1:9000/photos/a%20%26%20%3Cb%3E',
    ])
    expect(answer.text).toContain(md5('a photo'))
  })

  it('success_action_redirect redirects the browser, with bucket, key and ETag in the query', async () => {
    const fields = { key: 'a&b', success_action_redirect: 'https://app.example/done?a=1' }
    const answer = await upload({ fields })
    expect(answer.status).toBe(303)
    expect(answer.headers['location']).toBe(
      `https://app.example/done?a=1&bucket=photos&key=a%26b&etag=%22${md5('a photo')}%22`,
    )
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', '/done', 'https://'])(
    'an upload form never redirects the browser to %s',
    async (target) => {
      const answer = await upload({ fields: { key: 'a', success_action_redirect: target } })
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
      await expectNothingStored()
    },
  )
})

describe('a form that differs from what was signed', () => {
  const swap = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)

  it.each<[string, Given, string, RegExp]>([
    [
      'another key',
      { change: (f) => (f['key'] = 'b') },
      'AccessDenied',
      /Invalid according to Policy: Policy Condition failed: \["eq", "\$key", "a"\]/,
    ],
    [
      'an additional field',
      { change: (f) => (f['acl'] = 'private') },
      'AccessDenied',
      /Extra input fields: acl/,
    ],
    [
      'an additional header field',
      { change: (f) => (f['x-amz-meta-a'] = 'b') },
      'AccessDenied',
      /Extra input fields: x-amz-meta-a/,
    ],
    [
      'a removed field',
      {
        fields: { key: 'a', 'content-type': 'text/plain' },
        change: (f) => delete f['content-type'],
      },
      'AccessDenied',
      /Condition failed/,
    ],
    [
      'a key outside its prefix',
      { fields: { key: 'b/${filename}' }, conditions: [['starts-with', '$key', 'a/']] },
      'AccessDenied',
      /\["starts-with","\$key","a\/"\]/,
    ],
    [
      'a missing field that may begin with anything',
      { conditions: [{ key: 'a' }, ['starts-with', '$content-type', '']] },
      'AccessDenied',
      /Condition failed/,
    ],
    [
      'one content type of a list outside its prefix',
      {
        fields: { key: 'a', 'content-type': 'image/a, text/html' },
        conditions: [{ key: 'a' }, ['starts-with', '$Content-Type', 'image/']],
      },
      'AccessDenied',
      /Condition failed/,
    ],
    [
      'another policy',
      { change: (f) => (f['policy'] = swap(f['policy'] ?? '')) },
      'SignatureDoesNotMatch',
      /policy/,
    ],
    [
      'another signature',
      { change: (f) => (f['x-amz-signature'] = '0'.repeat(64)) },
      'SignatureDoesNotMatch',
      /policy/,
    ],
    [
      'a signature that is not hexadecimal',
      { change: (f) => (f['x-amz-signature'] = 'Z') },
      'SignatureDoesNotMatch',
      /hexadecimal/,
    ],
    [
      'another secret',
      { signer: { ...root, secretAccessKey: 'x' } },
      'SignatureDoesNotMatch',
      /policy/,
    ],
    [
      'an unknown access key',
      { signer: { ...root, accessKeyId: 'nobody' } },
      'InvalidAccessKeyId',
      /not known/,
    ],
    [
      'a session token beside the root key',
      { signer: { ...root, sessionToken: 'x' } },
      'InvalidTokenId',
      /no session token/,
    ],
    [
      'another region',
      { region: 'eu-west-1' },
      'InvalidArgument',
      /^the region &#39;eu-west-1&#39; is wrong; expecting &#39;us-east-1&#39;/,
    ],
    [
      'another date',
      { change: (f) => (f['x-amz-date'] = '20200101T000000Z') },
      'InvalidArgument',
      /date/,
    ],
    ['a missing date', { change: (f) => delete f['x-amz-date'] }, 'InvalidArgument', /x-amz-date/],
    ['a missing policy', { change: (f) => delete f['policy'] }, 'InvalidArgument', /policy/],
    ['an expired policy', { expiresAtMs: startMs }, 'AccessDenied', /Policy expired/],
    [
      'a policy for another bucket',
      { bucket: 'videos' },
      'AccessDenied',
      /Condition failed: \["eq", "\$bucket", "videos"\]/,
    ],
    ['a policy without the key', { conditions: [] }, 'AccessDenied', /Extra input fields: key/],
    [
      'a bucket named only in a field',
      { bucket: 'videos', fields: { key: 'a', bucket: 'videos' } },
      'AccessDenied',
      /\$bucket/,
    ],
    ['a missing key', { fields: {} }, 'InvalidArgument', /field key/],
    ['an empty key', { fields: { key: '' } }, 'InvalidArgument', /field key/],
    ['an overlong key', { fields: { key: 'a'.repeat(1025) } }, 'KeyTooLongError', /1024/],
    [
      'a line break in a field',
      { fields: { key: 'a', 'x-amz-meta-a': 'b\r\nc: d' } },
      'InvalidArgument',
      /no header/,
    ],
    [
      'a field that would make it a copy',
      { fields: { key: 'a', 'x-amz-copy-source': '/photos/c' } },
      'NotImplemented',
      /x-amz-copy-source/,
    ],
    [
      'a canned ACL that S3 does not have',
      { fields: { key: 'a', acl: 'pubic-read' } },
      'InvalidArgument',
      /acl/,
    ],
  ])('an upload form is refused because of %s', async (_what, given, code, message) => {
    const answer = await upload(given)
    expect(answer.code).toBe(code)
    const said = [...texts(answer.text, 'Message'), ...texts(answer.text, 'Reason')].join()
    expect(said.replaceAll('&#34;', '"')).toMatch(message)
    await expectNothingStored()
  })

  it.each<[string, Given, string]>([
    ['key', { change: (f) => delete f['key'] }, 'key'],
    ['policy', { change: (f) => delete f['policy'] }, 'policy'],
    ['signature', { change: (f) => delete f['x-amz-signature'] }, 'x-amz-signature'],
    ['date', { change: (f) => delete f['x-amz-date'] }, 'x-amz-date'],
  ])('a form without its %s is refused with the name of the field', async (_what, given, name) => {
    const answer = await upload(given)
    expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
    expect(texts(answer.text, 'Message').join().replaceAll('&#39;', "'")).toBe(
      `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    )
    expect(texts(answer.text, 'ArgumentName')).toEqual([name])
  })

  it('a condition on a name without its $ can never hold', async () => {
    const answer = await upload({ conditions: [['eq', 'key', 'a']] })
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(answer.text.replaceAll('&#34;', '"')).toContain('Condition failed: ["eq","key","a"]')
  })

  it('an error about a form contains no session token from its policy', async () => {
    const change = (fields: Record<string, string>): void =>
      void delete fields['x-amz-security-token']
    const further = [{ 'x-amz-security-token': 'a-secret-token' }]
    const answer = await upload({ further, change })
    expect(answer.code).toBe('AccessDenied')
    expect(answer.text).not.toContain('a-secret-token')
    expect(JSON.stringify(answer.log)).not.toContain('a-secret-token')
  })

  it('an upload form without a policy and a signature is anonymous and is refused', async () => {
    const answer = await post(await encodeForm({ key: 'a' }, 'a photo'))
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
    await expectNothingStored()
  })

  it.each([
    ['[]', /Invalid Policy: Invalid JSON\.</],
    ['{"expiration":"2030-01-01T00:00:00Z"}', /Policy missing conditions\./],
    [
      '{"expiration":"tomorrow","conditions":[]}',
      /Invalid &#39;expiration&#39; value: &#39;tomorrow&#39;/,
    ],
    ['{"conditions":[]}', /Policy missing expiration\./],
    ['{"EXPIRATION":"2030-01-01T00:00:00Z","conditions":[]}', /Policy missing expiration\./],
    ['{"expiration":"2030-01-01T00:00:00Z","CONDITIONS":[]}', /Policy missing conditions\./],
    [
      '{"expiration":"2030-01-01 00:00:00.000000+00:00","conditions":[]}',
      /Invalid &#39;expiration&#39; value/,
    ],
    ['{"expiration":"2030-01-01T00:00:00Z","conditions":{}}', /must be a List\./],
    ['{"expiration":"2030-01-01T00:00:00Z","conditions":[{}]}', /exactly one property/],
    [
      '{"expiration":"2030-01-01T00:00:00Z","conditions":[{"key":"a","acl":"b"}]}',
      /exactly one property/,
    ],
    ['{"expiration":"2030-01-01T00:00:00Z","conditions":[[]]}', /missing operation identifier\./],
    ['{"expiration":"2030-01-01T00:00:00Z","conditions":[["eq",false,"a"]]}', /Invalid JSON\./],
    ['', /Expecting/],
    [
      '{"expiration":"2030-01-01T00:00:00Z","conditions":[["ends-with","$key","a"]]}',
      /unknown operation &#39;ends-with&#39;/,
    ],
    [
      '{"expiration":"2030-01-01T00:00:00Z","conditions":[["eq","$key"]]}',
      /Invalid eq: wrong number of arguments\./,
    ],
    ['{"expiration":"2030-01-01T00:00:00Z","conditions":[{"key":1}]}', /value must be a string\./],
    [
      '{"expiration":"2030-01-01T00:00:00Z","conditions":[["content-length-range",1]]}',
      /wrong number of arguments\./,
    ],
    [
      '{"expiration":"2030-01-01T00:00:00Z","conditions":[["content-length-range",-1,5]]}',
      /Invalid JSON\./,
    ],
    ['{"expiration":"2030-01-01T00:00:00Z","conditions":[null]}', /must be a List or Object\./],
    [
      '{"expiration":"2030-01-01T00:00:00Z","conditions":[],"also":1}',
      /Unexpected: &#39;also&#39;/,
    ],
  ])('an upload form with the policy %s is refused', expectNoPolicy)

  it('an upload form is refused if its policy has more than 256 conditions', async () => {
    const conditions = Array.from({ length: 257 }, () => ['eq', '$a', ''])
    const document = JSON.stringify({ expiration: '2030-01-01T00:00:00Z', conditions })
    await expectNoPolicy(document, /more than 256 conditions/)
  })

  async function expectNoPolicy(document: string, message: RegExp): Promise<void> {
    const fields = makeFields({ signer: root, nowMs: startMs, fields: { key: 'a' } })
    const policy = Buffer.from(document).toString('base64')
    const scope = (fields['x-amz-credential'] ?? '').split('/').slice(1).join('/')
    const signature = signPolicy(policy, root.secretAccessKey, scope)
    const form = await encodeForm({ ...fields, policy, 'x-amz-signature': signature }, 'a photo')
    const answer = await post(form)
    expect(answer.code).toBe('InvalidPolicyDocument')
    expect(answer.text).toMatch(message)
  }
})

describe('the size of the file', () => {
  const within = (min: number | string, max: number | string): Given => ({
    further: [['content-length-range', min, max]],
  })

  it.each([
    [7, 7],
    [0, 7],
    ['1', '10'],
  ])('a file of 7 bytes is stored if its policy allows %s to %s bytes', async (min, max) => {
    expect((await upload(within(min, max))).status).toBe(204)
  })

  it.each<[string, number, number, string]>([
    ['EntityTooLarge', 0, 6, '6'],
    ['EntityTooSmall', 8, 20, '8'],
  ])('the answer is %s for 7 bytes outside %i to %i', async (code, min, max, bound) => {
    const answer = await upload(within(min, max))
    expect(answer).toMatchObject({ status: 400, code })
    expect(
      texts(answer.text, code === 'EntityTooLarge' ? 'MaxSizeAllowed' : 'MinSizeAllowed'),
    ).toEqual([bound])
    await expectNothingStored()
  })

  it('the size of a file must be within every content-length-range of its policy', async () => {
    const further = [
      ['content-length-range', 0, 100],
      ['content-length-range', 0, 5],
    ]
    expect((await upload({ further })).code).toBe('EntityTooLarge')
  })

  it.each([
    [8, 0],
    [0, 8],
  ])('a file of 7 bytes is refused by the larger of the minima %i and %i', async (one, other) => {
    const further = [one, other].map((min) => ['content-length-range', min, 100])
    expect((await upload({ further })).code).toBe('EntityTooSmall')
    await expectNothingStored()
  })

  it('the server stops reading a file at its maximum size, however much the client still sends', async () => {
    const { headers, body } = await encode({ ...within(0, 1000) })
    let sent = 0
    const endless = function* (): Generator<Buffer> {
      yield body.subarray(0, body.indexOf('a photo'))
      for (; sent < 100_000_000; sent += 65_536) yield Buffer.alloc(65_536)
    }
    const answer = await post({ headers, body: Readable.from(endless()) })
    expect(answer.code).toBe('EntityTooLarge')
    expect(sent).toBeLessThan(3_000_000)
    await expectNothingStored()
  })
})

describe('checksums in form fields', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')
  const md5Text = (text: string): string => createHash('md5').update(text).digest('base64')

  it('the server checks the file against the checksums in the form fields', async () => {
    const fields = {
      key: 'a',
      'Content-MD5': md5Text('a photo'),
      'x-amz-checksum-sha256': sha256('a photo'),
    }
    const answer = await upload({ fields })
    expect(answer.status).toBe(204)
    expect(answer.headers['x-amz-checksum-sha256']).toBe(sha256('a photo'))
  })

  it.each([
    ['Content-MD5', md5Text('another'), 'BadDigest'],
    ['x-amz-checksum-sha256', sha256('another'), 'BadDigest'],
    ['Content-MD5', 'x', 'InvalidDigest'],
  ])('an upload form with the field %s=%s is refused: %s', async (name, value, code) => {
    expect((await upload({ fields: { key: 'a', [name]: value } })).code).toBe(code)
    await expectNothingStored()
  })
})

describe('an invalid form body', () => {
  it('an upload form that is cut short at any byte stores nothing', async () => {
    const { headers, body } = await encode()
    const from = body.indexOf('name="file"') - 60
    for (let length = from; length < body.length - 2; length += 1) {
      const answer = await post({ headers, body: body.subarray(0, length) })
      expect([length, answer.code]).toEqual([
        length,
        expect.stringMatching(/^(MalformedPOSTRequest|IncorrectNumberOfFilesInPostRequest)$/),
      ])
    }
    await expectNothingStored()
  })

  it('an upload form that the client aborts stores nothing', async () => {
    const { headers, body } = await encode()
    for (const length of [0, 100, body.length - 60, body.length - 3]) {
      const broken = function* (): Generator<Buffer> {
        yield body.subarray(0, length)
        throw new Error('ECONNRESET')
      }
      expect((await post({ headers, body: Readable.from(broken()) })).code).toBe('IncompleteBody')
    }
    await expectNothingStored()
  })

  it.each<[string, string, string]>([
    ['no boundary', 'multipart/form-data', 'MalformedPOSTRequest'],
    ['another boundary', 'multipart/form-data; boundary=x', 'MalformedPOSTRequest'],
  ])('an upload form with %s is refused', async (_what, contentType, code) => {
    const { body } = await encode()
    expect((await post({ headers: { 'content-type': contentType }, body })).code).toBe(code)
  })

  it('an upload form without a file is refused', async () => {
    const form = await encodeForm(
      makeFields({ signer: root, nowMs: startMs, fields: { key: 'a' } }),
      undefined,
    )
    expect((await post(form)).code).toBe('IncorrectNumberOfFilesInPostRequest')
  })

  it('an upload form that repeats a field is refused', async () => {
    const { headers, body } = await encode({
      fields: { key: 'a', KEY: 'a' },
      conditions: [{ key: 'a' }],
    })
    expect((await post({ headers, body })).code).toBe('InvalidArgument')
  })

  it.each<[string, Record<string, string>]>([
    ['one field of more than 20 KiB', { 'x-ignore-a': 'a'.repeat(20_481) }],
    [
      'fields of more than 20 KiB together',
      { 'x-ignore-a': 'a'.repeat(11_000), 'x-ignore-b': 'a'.repeat(11_000) },
    ],
    [
      'more than 200 fields',
      Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`x-ignore-${n}`, ''])),
    ],
  ])('an upload form with %s is refused', async (_what, more) => {
    const answer = await upload({ change: (fields) => void Object.assign(fields, more) })
    expect(answer.code).toBe('MaxPostPreDataLengthExceeded')
  })

  it('an upload form is refused if its file never starts or the data after the file never ends', async () => {
    const { headers, body } = await encode()
    const flood = (head: Buffer): Readable =>
      Readable.from(
        (function* () {
          yield head
          for (let n = 0; n < 100; n += 1) yield Buffer.alloc(65_536, '\r\n--')
        })(),
      )
    const never = await post({ headers, body: flood(Buffer.alloc(0)) })
    expect(never.code).toBe('MaxPostPreDataLengthExceeded')
    expect((await post({ headers, body: flood(body) })).code).toBe('MalformedPOSTRequest')
    await expectNothingStored()
  })

  it('a signed request, a POST to a key and another kind of body are not read as upload forms', async () => {
    const { headers, body } = await encode()
    const signed = await s3.send('POST', '/photos', { headers, body })
    expect(signed).toMatchObject({ status: 412, code: 'PreconditionFailed' })
    expect((await post({ headers, body }, '/photos/a')).code).toBe('AccessDenied')
    expect((await post({ headers, body }, '/photos?delete')).code).toBe('AccessDenied')
    const plain = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
    expect((await post(plain)).code).toBe('AccessDenied')
  })
})

describe('a missing bucket', () => {
  it('an upload form does not create a missing bucket', async () => {
    expect((await upload({ bucket: 'videos' }, '/videos')).code).toBe('NoSuchBucket')
  })
})

describe('a form with signature version 2', () => {
  const make = (more: Readonly<Record<string, string>> = {}): Promise<EncodedForm> => {
    const fields = makeFieldsV2({ signer: root, nowMs: startMs, fields: { key: 'a' } })
    const named = Object.entries({ ...fields, ...more }).map(([n, value]) => [
      n.toLowerCase(),
      value,
    ])
    return encodeForm(Object.fromEntries(named), 'a photo')
  }

  it('a form with signature version 2 is stored, and the policies see that version', async () => {
    s3.asked.length = 0
    expect((await post(await make())).status).toBe(204)
    expect((await s3.send('GET', '/photos/a')).text).toBe('a photo')
    const { conditions } = s3.asked[0] ?? {}
    expect(conditions?.get('signatureversion')).toEqual(['AWS'])
    expect(conditions?.get('authType')).toEqual(['POST'])
  })

  it.each<[string, Record<string, string>, string]>([
    ['another policy', { policy: 'e30=' }, 'SignatureDoesNotMatch'],
    ['another signature', { signature: 'AAAA' }, 'SignatureDoesNotMatch'],
    ['no signature', { signature: '' }, 'InvalidArgument'],
    ['another key', { awsaccesskeyid: 'nobody' }, 'InvalidAccessKeyId'],
    ['a session token beside the root key', { 'x-amz-security-token': 'x' }, 'InvalidTokenId'],
    ['a version 4 signature as well', { 'x-amz-signature': 'x' }, 'InvalidRequest'],
    ['another object’s key', { key: 'b' }, 'AccessDenied'],
    ['an additional field', { acl: 'private' }, 'AccessDenied'],
  ])('a form with signature version 2 is refused with %s', async (_what, more, code) => {
    expect((await post(await make(more))).code).toBe(code)
    await expectNothingStored()
  })
})

describe('the AWS SDK', () => {
  it('the server accepts a form that the AWS SDK signed, until it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: startMs })
    const client = new S3Client({
      endpoint: 'http://127.0.0.1:9000',
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: root,
    })
    const { url, fields } = await createPresignedPost(client as never, {
      Bucket: 'photos',
      Key: 'uploads/${filename}',
      Conditions: [
        ['content-length-range', 0, 100],
        ['starts-with', '$Content-Type', 'image/'],
      ],
      Fields: { 'Content-Type': 'image/png', success_action_status: '201' },
      Expires: 60,
    })
    const form = await encodeForm(fields, 'a photo')

    expect((await post(form, new URL(url).pathname)).status).toBe(201)
    expect((await s3.send('GET', '/photos/uploads/photo.jpg')).text).toBe('a photo')
    s3.clock.nowMs += 61_000
    expect((await post(form, new URL(url).pathname)).code).toBe('AccessDenied')
  })
})
