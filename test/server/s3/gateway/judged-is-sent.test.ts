import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  endpoint,
  pass,
  type Asked,
  type Outcome,
  type Style,
} from '../../../support/server/recorded-pass.ts'
import { foldKey, readNeeds, type Need } from '../../../support/server/strict-reader.ts'

const pick = (...lists: string[][]): fc.Arbitrary<string> => fc.constantFrom(...lists.flat())

const joined = (parts: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(parts, { maxLength }).map((all) => all.join(''))

const segment = pick(
  ['bkt1', 'BKT1', 'b_kt', 'b.kt', 'a', 'secret', 'minio', 'x-s3alias', '.', '..', '%2e', '%2E.'],
  ['', '+', ' ', '%20', '%00', '%01', '%0D', '%2F', '%5C', '\\', ';', '%3F', '%252F', '%25', '%'],
  [
    '%C3%A9',
    '%ff',
    '%EF%BF%BE',
    '~',
    '%7E',
    "'",
    '*',
    'bkt1%2Fa',
    '%62kt1',
    '..;',
    '%2e%2e%2fsecret',
  ],
)
const path = fc.array(segment, { maxLength: 5 }).map((all) => `/${all.join('/')}`)
const plainPath = fc.constantFrom('/bkt1/a', '/bkt1/secret', '/bkt1', '/', '/bkt1/a//secret')
const host = pick(
  ['127.0.0.1:9000', 'gateway', 's3.localhost', 'localhost:9000', '[::1]:9000', ''],
  [
    'bkt1.localhost',
    'BKT1.LocalHost:9000',
    'bkt1.localhost.',
    'bkt1.s3.localhost',
    'minio.localhost',
  ],
  ['.localhost', 'a..localhost', 'b_kt.localhost', 'b.kt.localhost', 'bkt1.localhost,x', '.'],
)
const parameter = pick(
  ['acl', 'ACL', '%61cl', 'acl=', 'acl=x', 'tagging', 'uploads', 'uploadId=u', 'partNumber=1'],
  ['versionId=v', 'versionId=', 'versionId=%20', 'VersionId=v', 'versionId=null', 'location'],
  ['versions', 'policy', 'list-type=2', 'prefix=a%2F..', 'prefix=a+b', 'acl;tagging', '', '='],
  ['=acl', 'x-id=GetObject', 'delete', 'X-Amz-Acl=private', 'x-amz-acl=public-read', 'a%00b'],
  ['X-Amz-Copy-Source=bkt1%2Fsecret', 'x-amz-tagging=a%3Db', 'response-content-type=%0D', '%ff'],
  ['x-amz-meta-snowball-auto-extract=true', 'X-Amz-Signature=0', 'acl%00', '%20acl', 'acl+'],
)
const query = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: parameter.map((one) => `?${one}`) },
  fc.array(parameter, { maxLength: 4 }).map((all) => `?${all.join('&')}`),
)
const sourcePiece = pick(
  ['a', 'secret', '/', '//', '%2F', '..', '.', '%2e', '+', '%20', '%', 'BKT1', 'b_kt', 'bkt1'],
  ['?versionId=', '?versionId=v', '%3FversionId%3Dv', '?VersionId=v', '%ff', '%00', '?', '\\'],
)
const sourceStart = pick(
  ['bkt1/', '/bkt1/', '//bkt1/', 'BKT1/', 'b_kt/', 'b.kt/', 'bkt1%2F', '%62kt1/', '%2Fbkt1/', ''],
  ['arn:aws:s3:::bkt1/', 'minio/', 'other/', 'other/a/'],
)
const source = fc.tuple(sourceStart, joined(sourcePiece, 4)).map((parts) => parts.join(''))
const someHeaders = fc.record(
  {
    'x-amz-copy-source': fc.oneof(
      source,
      fc.constantFrom('bkt1/secret', '/bkt1/a', 'bkt1//secret'),
    ),
    'x-amz-acl': fc.constantFrom('private', 'public-read'),
    'x-amz-tagging': fc.constant('a=b'),
    range: fc.constant('bytes=0-1'),
    'x-amz-bypass-governance-retention': fc.constant('true'),
  },
  { requiredKeys: [] },
)
// The gateway refuses each of these headers on most operations.
const headers = fc.oneof(fc.constant({}), someHeaders)
const xmlKey = joined(
  pick(
    ['a', 'secret', '/', '..', '.', ' ', '\t', '\n', '&#13;', '\r', '&#1;', '\u0001', '\uFFFE'],
    ['&amp;', '&lt;', '&#x26;', '<![CDATA[&lt;]]>', '\u{1F600}', '&nbsp;', '<!-- -->', '\\', 'é'],
  ),
  4,
)
const keyMember = fc
  .tuple(fc.constantFrom('a', 'a', ' a', ''), xmlKey)
  .map((parts) => `<Key>${parts.join('')}</Key>`)
const member = pick(
  ['<VersionId>v</VersionId>', '<VersionId></VersionId>', '<VersionId> </VersionId>', '<Other/>'],
  ['<Key>secret</Key>', '<s:Key>secret</s:Key>', '<ETag>"e"</ETag>', '<Key/>', ''],
)
const listed = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(keyMember) },
  fc.tuple(keyMember, member),
  fc.tuple(member, keyMember),
)
const body = fc.oneof(fc.constant(''), {
  weight: 5,
  arbitrary: fc
    .array(listed, { minLength: 1, maxLength: 3 })
    .map((all) => all.map((one) => `<Object>${one.join('')}</Object>`).join(''))
    .map((text) => `<Delete>${text}</Delete>`),
})
/** Policies that deny one thing and allow everything else. */
const denial = fc.constantFrom<Asked['isAllowed']>(
  () => true,
  ({ bucket }) => bucket !== 'bkt1',
  ({ object }) => !object.includes('secret'),
  ({ object }) => object !== 'a/secret' && object !== 'secret',
  ({ action }) => action === 's3:ListAllMyBuckets' || action === 's3:GetObject',
  ({ action }) => !/Acl|Tagging|Version/.test(action),
)
const request: fc.Arbitrary<Asked> = fc.record({
  style: fc.constantFrom<Style>('path', 'virtual-host'),
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE'),
  target: fc.tuple(fc.oneof(path, plainPath), query).map((parts) => parts.join('')),
  host,
  headers,
  body,
  isAllowed: denial,
})
/** The same requests, limited to those where names can hide: a list of keys, and a copy. */
const deletion = request.chain((one) =>
  body.map((text) => ({
    ...one,
    method: 'POST',
    target: '/bkt1?delete',
    host: 'gateway',
    body: text,
  })),
)
const copy = request.chain((one) =>
  source.map((text) => ({
    ...one,
    method: 'PUT',
    target: '/bkt1/a',
    host: 'gateway',
    body: '',
    headers: { 'x-amz-copy-source': text },
  })),
)

function expectJudged({ style }: Asked, outcome: Outcome): void {
  const { sent, allowed, answeredBefore, reply } = outcome
  const say = ({ action, bucket, key }: Need): string => JSON.stringify([action, bucket, key])
  for (const [index, message] of sent.entries()) {
    const judged = allowed.slice(0, answeredBefore[index]).map(say)
    for (const need of readNeeds(message, endpoint, style)) {
      const isList = need.bucket === '' && message.path.split('?')[0] === '/'
      // The gateway filters the list by what the caller may list; it still asked the policies before it sent anything.
      if (isList) {
        expect(message).toMatchObject({ method: 'GET' })
        expect(answeredBefore[index]).toBeGreaterThanOrEqual(0)
        continue
      }
      expect(judged).toContain(say(need))
      const folded = foldKey(need.key)
      const isTrailing = need.key.endsWith('/')
      if (need.key !== '') {
        expect(judged).toContain(say({ ...need, key: isTrailing ? `${folded}/` : folded }))
      }
    }
  }
  if (reply.status >= 400 && sent.length === 0) {
    const { 'content-type': type } = reply.headers ?? {}
    expect(type).toBe('application/xml')
  }
}

const numRuns = 1500

describe('any request of a caller', () => {
  it('the upstream gets a request only if a policy allowed its bucket, key and operation before', async () => {
    let passes = 0
    await fc.assert(
      fc.asyncProperty(request, async (asked) => {
        const outcome = await pass(asked)
        expectJudged(asked, outcome)
        expect(outcome.reply.status).not.toBe(500)
        passes += outcome.sent.length
      }),
      { numRuns },
    )
    expect(passes).toBeGreaterThan(numRuns / 50)
  })

  it('the upstream gets a multi-delete only if a policy allowed each of its keys before', async () => {
    let passes = 0
    await fc.assert(
      fc.asyncProperty(deletion, async (asked) => {
        const outcome = await pass(asked)
        expectJudged(asked, outcome)
        expect(outcome.reply.status).not.toBe(500)
        passes += outcome.sent.length
      }),
      { numRuns },
    )
    expect(passes).toBeGreaterThan(numRuns / 50)
  })

  it('the upstream gets a copy only if a policy allowed its source before', async () => {
    let passes = 0
    await fc.assert(
      fc.asyncProperty(copy, async (asked) => {
        const outcome = await pass(asked)
        expectJudged(asked, outcome)
        expect(outcome.reply.status).not.toBe(500)
        passes += outcome.sent.length
      }),
      { numRuns },
    )
    expect(passes).toBeGreaterThan(numRuns / 50)
  })
})
