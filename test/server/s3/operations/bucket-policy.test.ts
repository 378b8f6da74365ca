/** The operations on a bucket's policy, and unsigned requests, which it alone decides. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStoreBackend } from '../../../../src/server/s3/store/store-backend.ts'
import {
  openHarness,
  type Answer,
  type Ask,
  type Harness,
} from '../../../support/server/s3-harness.ts'
import { encodeForm } from '../../../support/server/upload-forms.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness({ hasBucketPolicies: true })
  await s3.send('PUT', '/photos')
  await s3.send('PUT', '/photos/pub/a', { body: 'open' })
  await s3.send('PUT', '/photos/secret', { body: 'closed' })
  s3.asked.length = 0
})
afterEach(() => s3.close())

const open = {
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:*',
  Resource: ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*'],
}
const write = (...Statement: object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement })
const putPolicy = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  s3.send('PUT', '/photos?policy', { body, headers })
const anonymous = (method: string, target: string, ask: Ask = {}): Promise<Answer> =>
  s3.send(method, target, { ...ask, isAnonymous: true })

describe('the policy of a bucket', () => {
  it('is stored and returned as it was sent, removed, and gone with its bucket', async () => {
    const text = `{\n  "Statement": ${JSON.stringify(open)}\n}\n`
    expect(await s3.send('GET', '/photos?policy')).toMatchObject({
      status: 404,
      code: 'NoSuchBucketPolicy',
    })
    expect(
      (await putPolicy(text, { 'x-amz-confirm-remove-self-bucket-access': 'true' })).status,
    ).toBe(204)
    const answer = await s3.send('GET', '/photos?policy')
    expect(answer).toMatchObject({ status: 200, text })
    expect(answer.headers['content-type']).toBe('application/json')
    expect((await s3.send('DELETE', '/photos?policy')).status).toBe(204)
    expect((await s3.send('DELETE', '/photos?policy')).status).toBe(204)
    expect((await s3.send('GET', '/photos?policy')).status).toBe(404)
    expect(s3.asked.map(({ action }) => action)).toEqual([
      's3:GetBucketPolicy',
      's3:PutBucketPolicy',
      's3:GetBucketPolicy',
      's3:DeleteBucketPolicy',
      's3:DeleteBucketPolicy',
      's3:GetBucketPolicy',
    ])
  })

  it.each(['GET', 'PUT', 'DELETE'])(
    '%s for a bucket that does not exist is NoSuchBucket',
    async (method) => {
      expect((await s3.send(method, '/nothing-here?policy', { body: write(open) })).code).toBe(
        'NoSuchBucket',
      )
    },
  )

  it('one that is not valid is MalformedPolicy with the sentence of S3, and nothing is stored', async () => {
    const answer = await putPolicy(write({ ...open, Resource: 'arn:aws:s3:::other/*' }))
    expect(answer).toMatchObject({ status: 400, code: 'MalformedPolicy' })
    expect(answer.text).toContain('<Message>Policy has invalid resource</Message>')
    expect((await putPolicy('')).code).toBe('MalformedPolicy')
    expect((await s3.send('GET', '/photos?policy')).status).toBe(404)
  })

  it('has at most 20 KiB', async () => {
    const sized = (bytes: number): string => write(open).padEnd(bytes)
    expect((await putPolicy(sized(20 * 1024))).status).toBe(204)
    expect((await putPolicy(sized(20 * 1024 + 1))).code).toBe('MalformedPolicy')
  })

  it('is public or not by its status', async () => {
    expect((await s3.send('GET', '/photos?policyStatus')).code).toBe('NoSuchBucketPolicy')
    await putPolicy(write(open))
    expect((await s3.send('GET', '/photos?policyStatus')).text).toContain(
      '<IsPublic>true</IsPublic>',
    )
    await putPolicy(write({ ...open, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/32' } } }))
    expect((await s3.send('GET', '/photos?policyStatus')).text).toContain(
      '<IsPublic>false</IsPublic>',
    )
  })

  it('is refused if it is public and the public access block refuses that', async () => {
    const block = (name: string): Promise<Answer> =>
      s3.send('PUT', '/photos?publicAccessBlock', {
        body: `<PublicAccessBlockConfiguration><${name}>true</${name}></PublicAccessBlockConfiguration>`,
      })
    await block('BlockPublicPolicy')
    expect((await putPolicy(write(open))).code).toBe('AccessDenied')
    expect((await putPolicy(write({ ...open, Principal: { AWS: '000000000000' } }))).status).toBe(
      204,
    )
    await block('RestrictPublicBuckets')
    expect((await putPolicy(write(open))).status).toBe(204)
    expect((await anonymous('GET', '/photos/pub/a')).code).toBe('AccessDenied')
    expect((await s3.send('GET', '/photos/pub/a')).status).toBe(200)
    await s3.send('DELETE', '/photos?publicAccessBlock')
    expect((await anonymous('GET', '/photos/pub/a')).status).toBe(200)
  })

  it('denies root all that it denies but the operations on the policy', async () => {
    await putPolicy(write({ ...open, Effect: 'Deny' }))
    for (const [method, target] of [
      ['GET', '/photos/pub/a'],
      ['PUT', '/photos/b'],
      ['GET', '/photos'],
      ['DELETE', '/photos/pub/a'],
    ] as const)
      expect((await s3.send(method, target)).code).toBe('AccessDenied')
    expect((await s3.send('GET', '/photos?policy')).status).toBe(200)
    expect((await s3.send('DELETE', '/photos?policy')).status).toBe(204)
    expect((await s3.send('GET', '/photos/pub/a')).status).toBe(200)
  })

  it('can ask for the tags of an object', async () => {
    const Condition = { StringEquals: { 's3:ExistingObjectTag/class': 'public' } }
    await putPolicy(
      write({ ...open, Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*', Condition }),
    )
    expect((await anonymous('GET', '/photos/tagged')).code).toBe('AccessDenied')
    await s3.send('PUT', '/photos/tagged', {
      body: 'x',
      headers: { 'x-amz-tagging': 'class=public' },
    })
    expect((await anonymous('GET', '/photos/tagged')).status).toBe(200)
    expect((await anonymous('GET', '/photos/secret')).code).toBe('AccessDenied')
  })

  it('can ask for the ACL and the tags of an upload', async () => {
    await putPolicy(
      write(
        { ...open, Action: 's3:PutObject*', Resource: 'arn:aws:s3:::photos/*' },
        {
          ...open,
          Effect: 'Deny',
          Action: 's3:PutObject',
          Resource: 'arn:aws:s3:::photos/*',
          Condition: { StringLike: { 's3:x-amz-acl': 'public*' } },
        },
        {
          ...open,
          Effect: 'Deny',
          Action: 's3:PutObject',
          Resource: 'arn:aws:s3:::photos/*',
          Condition: { StringEquals: { 's3:RequestObjectTag/class': 'secret' } },
        },
      ),
    )
    const put = async (headers: Record<string, string>): Promise<unknown> =>
      (await s3.send('PUT', '/photos/b', { body: 'x', headers })).code
    expect(await put({})).toBeUndefined()
    expect(await put({ 'x-amz-acl': 'private' })).toBeUndefined()
    expect(await put({ 'x-amz-acl': 'public-read' })).toBe('AccessDenied')
    expect(await put({ 'x-amz-tagging': 'class=secret' })).toBe('AccessDenied')
    expect(await put({ 'x-amz-tagging': 'class=open' })).toBeUndefined()
  })

  it('is read as another process wrote it, and one that cannot be read allows nothing but its replacement', async () => {
    await putPolicy(write(open))
    expect((await anonymous('GET', '/photos/pub/a')).status).toBe(200)
    await s3.objects.writeBucketDocument('photos', 'policy', write({ ...open, Effect: 'Deny' }))
    expect((await anonymous('GET', '/photos/pub/a')).code).toBe('AccessDenied')
    await s3.objects.writeBucketDocument('photos', 'policy', 'not a policy')
    expect((await s3.send('GET', '/photos/pub/a')).code).toBe('AccessDenied')
    expect((await anonymous('GET', '/photos/pub/a')).code).toBe('AccessDenied')
    expect((await s3.send('DELETE', '/photos?policy')).status).toBe(204)
  })

  it('is parsed once as long as it is the same', async () => {
    await putPolicy(write(open))
    const { findBucketPolicy } = createStoreBackend(s3.objects)
    const [first, second] = [findBucketPolicy?.('photos'), findBucketPolicy?.('photos')]
    expect(first?.policy).toBeDefined()
    expect(second?.policy).toBe(first?.policy)
    expect(findBucketPolicy?.('nothing-here')).toBeUndefined()
  })
})

/** What `mc anonymous set` sends, word for word. */
const byMc = {
  download:
    '{"Version":"2012-10-17","Statement":[{"Action":["s3:GetBucketLocation","s3:ListBucket"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos"],"Sid":""},{"Action":["s3:GetObject"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos/*"],"Sid":""}]}',
  upload:
    '{"Version":"2012-10-17","Statement":[{"Action":["s3:GetBucketLocation","s3:ListBucketMultipartUploads"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos"],"Sid":""},{"Action":["s3:AbortMultipartUpload","s3:DeleteObject","s3:ListMultipartUploadParts","s3:PutObject"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos/*"],"Sid":""}]}',
  public:
    '{"Version":"2012-10-17","Statement":[{"Action":["s3:GetBucketLocation","s3:ListBucket","s3:ListBucketMultipartUploads"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos"],"Sid":""},{"Action":["s3:AbortMultipartUpload","s3:DeleteObject","s3:GetObject","s3:ListMultipartUploadParts","s3:PutObject"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos/*"],"Sid":""}]}',
  'download of a prefix':
    '{"Version":"2012-10-17","Statement":[{"Action":["s3:GetBucketLocation"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos"],"Sid":""},{"Action":["s3:ListBucket"],"Condition":{"StringEquals":{"s3:prefix":["pub"]}},"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos"],"Sid":""},{"Action":["s3:GetObject"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::photos/pub*"],"Sid":""}]}',
} as const

describe('mc anonymous set', () => {
  it.each([
    ['download', [200, 200, 200, 403, 403, 200]],
    ['upload', [403, 403, 403, 200, 204, 200]],
    ['public', [200, 200, 200, 200, 204, 200]],
    ['download of a prefix', [200, 403, 403, 403, 403, 200]],
  ] as const)('%s gives unsigned requests what it says', async (name, expected) => {
    expect((await putPolicy(byMc[name])).status).toBe(204)
    const statuses = [
      (await anonymous('GET', '/photos/pub/a')).status,
      (await anonymous('HEAD', '/photos/secret')).status,
      (await anonymous('GET', '/photos?list-type=2')).status,
      (await anonymous('PUT', '/photos/new', { body: 'sent' })).status,
      (await anonymous('DELETE', '/photos/new')).status,
      (await anonymous('GET', '/photos?location')).status,
    ]
    expect(statuses).toEqual(expected)
    expect(s3.asked.filter(({ principal }) => principal.kind === 'anonymous')).toEqual([])
    expect((await s3.send('DELETE', '/photos?policy')).status).toBe(204)
    expect((await anonymous('GET', '/photos/pub/a')).code).toBe('AccessDenied')
  })

  it('a download of a prefix lists that prefix', async () => {
    await putPolicy(byMc['download of a prefix'])
    const answer = await anonymous('GET', '/photos?list-type=2&prefix=pub')
    expect(answer.text).toContain('<Key>pub/a</Key>')
    expect((await anonymous('GET', '/photos?list-type=2&prefix=s')).code).toBe('AccessDenied')
  })
})

describe('an unsigned request', () => {
  it('is logged as anonymous, and its body is what is stored', async () => {
    await putPolicy(byMc.public)
    const put = await anonymous('PUT', '/photos/new', { body: 'sent' })
    expect(put.log).toMatchObject({
      operation: 'PutObject',
      principal: 'anonymous',
      decision: 'allow',
    })
    expect(put.log).not.toHaveProperty('accessKeyId')
    expect((await s3.send('GET', '/photos/new')).text).toBe('sent')
    const wrong = { 'x-amz-content-sha256': 'a'.repeat(64) }
    expect((await anonymous('PUT', '/photos/new', { body: 'other', headers: wrong })).code).toBe(
      'XAmzContentSHA256Mismatch',
    )
  })

  it.each([
    ['GET', '/'],
    ['PUT', '/new-bucket'],
    ['PUT', '/photos'],
    ['DELETE', '/photos'],
    ['GET', '/photos?policy'],
    ['PUT', '/photos?policy'],
    ['DELETE', '/photos?policy'],
    ['GET', '/photos?policyStatus'],
    ['PUT', '/photos?publicAccessBlock'],
    ['DELETE', '/photos?publicAccessBlock'],
    ['PUT', '/photos?acl'],
    ['PUT', '/photos?tagging'],
    ['PUT', '/photos?cors'],
    ['GET', '/other/a'],
    ['GET', '/other'],
    ['PUT', '/other/a'],
    ['GET', '/other?policy'],
  ])('never may %s %s, whatever the policy of one bucket says', async (method, target) => {
    await s3.send('PUT', '/other')
    await s3.send('PUT', '/other/a', { body: 'x' })
    await putPolicy(write({ ...open, Action: '*' }))
    const answer = await anonymous(method, target, { body: '<A/>' })
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied', wasBodyRead: false })
    expect((await s3.send('GET', '/photos?policy')).status).toBe(200)
  })

  it('gets nothing of another bucket by a policy whose resources are all buckets', async () => {
    await s3.send('PUT', '/other')
    await s3.send('PUT', '/other/a', { body: 'x' })
    await putPolicy(write({ ...open, Resource: ['arn:aws:s3:::*', 'arn:aws:s3:::*/*'] }))
    expect((await anonymous('GET', '/photos/secret')).status).toBe(200)
    for (const target of ['/other', '/other/a'])
      expect((await anonymous('GET', target)).code).toBe('AccessDenied')
  })

  it('cannot copy out of a bucket that is not open', async () => {
    await s3.send('PUT', '/other')
    await s3.send('PUT', '/other/a', { body: 'x' })
    await putPolicy(write(open))
    const copy = (source: string): Promise<Answer> =>
      anonymous('PUT', '/photos/copy', { headers: { 'x-amz-copy-source': source } })
    expect((await copy('/other/a')).code).toBe('AccessDenied')
    expect((await copy('/other/missing')).code).toBe('AccessDenied')
    expect((await copy('/missing/a')).code).toBe('AccessDenied')
    expect((await copy('/photos/pub/a')).status).toBe(200)
  })

  it('learns nothing about what exists: every refusal is the same but for the names that were sent', async () => {
    await putPolicy(
      write({ ...open, Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/pub/*' }),
    )
    await s3.send('PUT', '/closed')
    await s3.send('PUT', '/closed/a', { body: 'x' })
    const answers = await Promise.all(
      [
        '/photos/secret',
        '/photos/missing',
        '/photos/pub/missing',
        '/closed/a',
        '/closed/missing',
        '/missing/a',
      ].map((target) => anonymous('GET', target)),
    )
    const forms = answers.map(({ status, text, headers }) =>
      JSON.stringify([
        status,
        headers,
        text.replaceAll(/<(Key|BucketName|Resource|RequestId)>[^<]*<\/\1>/g, ''),
      ]),
    )
    expect(answers[0]?.code).toBe('AccessDenied')
    expect(new Set(forms).size).toBe(1)
  })

  it('learns nothing about deleted keys and their versions', async () => {
    const versioning = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
    await s3.send('PUT', '/photos?versioning', { body: versioning })
    const put = await s3.send('PUT', '/photos/gone', { body: 'x' })
    const version = put.headers['x-amz-version-id'] ?? ''
    const removed = await s3.send('DELETE', '/photos/gone')
    const marker = removed.headers['x-amz-version-id'] ?? ''
    const Action = ['s3:GetObject', 's3:GetObjectVersion']
    await putPolicy(write({ ...open, Action, Resource: 'arn:aws:s3:::photos/*' }))
    for (const target of [
      '/photos/gone',
      `/photos/gone?versionId=${marker}`,
      `/photos/a?versionId=${version}`,
    ])
      for (const method of ['GET', 'HEAD']) {
        const answer = await anonymous(method, target)
        expect(answer.status).toBe(403)
        expect(Object.keys(answer.headers).join()).not.toMatch(/delete-marker|version-id/)
      }
    expect((await anonymous('GET', `/photos/gone?versionId=${version}`)).text).toBe('x')
  })

  it('that may list learns that a key is missing', async () => {
    await putPolicy(byMc.download)
    expect((await anonymous('GET', '/photos/missing')).code).toBe('NoSuchKey')
  })

  it('cannot choose headers of the answer, and a bad signature is not none', async () => {
    await putPolicy(write(open))
    const overridden = await anonymous('GET', '/photos/pub/a?response-content-type=text/html')
    expect(overridden).toMatchObject({ status: 400, code: 'InvalidRequest' })
    for (const query of [
      'X-Amz-Security-Token=a',
      'X-Amz-Date=20260101T000000Z',
      'Signature=a',
      'x-amz-security-token=a',
    ])
      expect((await anonymous('GET', `/photos/pub/a?${query}`)).code).toBe('AccessDenied')
    const token = { 'x-amz-security-token': 'a' }
    expect((await anonymous('GET', '/photos/pub/a', { headers: token })).code).toBe('AccessDenied')
    for (const query of ['X-Amz-Credential=a', 'X-Amz-Signature=a', 'X-Amz-Algorithm=a'])
      expect((await anonymous('GET', `/photos/pub/a?${query}`)).status).not.toBe(200)
    const authorization = { authorization: 'Bearer a' }
    expect((await anonymous('GET', '/photos/pub/a', { headers: authorization })).status).not.toBe(
      200,
    )
    const streaming = { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }
    expect((await anonymous('PUT', '/photos/b', { headers: streaming, body: 'x' })).code).toBe(
      'AccessDenied',
    )
  })

  it('deletes many keys only as the policy allows each', async () => {
    await putPolicy(
      write({ ...open, Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::photos/pub/*' }),
    )
    const body =
      '<Delete><Object><Key>pub/a</Key></Object><Object><Key>secret</Key></Object></Delete>'
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const answer = await anonymous('POST', '/photos?delete', { body, headers })
    expect(answer.text).toMatch(
      /<Deleted><Key>pub\/a<\/Key>.*<Error><Key>secret<\/Key><Code>AccessDenied/,
    )
    expect((await s3.send('HEAD', '/photos/secret')).status).toBe(200)
  })

  it('is refused by the gateway, whatever the upstream allows', async () => {
    await putPolicy(write(open))
    const gateway = await openHarness({ backend: 'gateway', hasBucketPolicies: true })
    await gateway.send('PUT', '/photos')
    await gateway.send('PUT', '/photos?policy', { body: write(open) })
    await gateway.send('PUT', '/photos/a', { body: 'x' })
    expect((await gateway.send('GET', '/photos?policy')).text).toBe(write(open))
    expect((await gateway.send('GET', '/photos/a', { isAnonymous: true })).code).toBe(
      'AccessDenied',
    )
    await gateway.close()
  })
})

describe('an unsigned upload form', () => {
  async function post(fields: Record<string, string>): Promise<Answer> {
    const { headers, body } = await encodeForm(fields, 'a photo')
    const length = { 'content-length': String(body.length) }
    return anonymous('POST', '/photos', { body, headers: { ...headers, ...length } })
  }

  it('is stored if the policy lets everybody write, and refused otherwise', async () => {
    expect((await post({ key: 'form' })).code).toBe('AccessDenied')
    await putPolicy(byMc.download)
    expect((await post({ key: 'form' })).code).toBe('AccessDenied')
    await putPolicy(byMc.upload)
    const answer = await post({ key: 'form', 'content-type': 'image/jpeg' })
    expect(answer.status).toBe(204)
    expect(answer.log).toMatchObject({ operation: 'PostObject', principal: 'anonymous' })
    expect((await s3.send('GET', '/photos/form')).text).toBe('a photo')
  })

  it('with a part of a signature is not unsigned', async () => {
    await putPolicy(byMc.upload)
    for (const name of [
      'policy',
      'x-amz-signature',
      'x-amz-credential',
      'x-amz-security-token',
      'signature',
      'awsaccesskeyid',
    ])
      expect((await post({ key: 'form', [name]: 'a' })).status).not.toBe(204)
    expect((await s3.send('HEAD', '/photos/form')).status).toBe(404)
  })
})
