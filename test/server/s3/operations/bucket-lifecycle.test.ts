import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  decodeLifecycle,
  encodeLifecycle,
  readLifecycleRules,
} from '../../../../src/server/s3/request/lifecycle-document.ts'
import {
  openHarness,
  md5,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

const root = '<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
const wrap = (rules: string): string => `${root}${rules}</LifecycleConfiguration>`
const rule = (fields: string, filter = '<Filter><Prefix>logs/</Prefix></Filter>', id = 'one') =>
  `<Rule><ID>${id}</ID>${filter}<Status>Enabled</Status>${fields}</Rule>`
const days = '<Expiration><Days>30</Days></Expiration>'
const abort =
  '<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>'
const tag = '<Tag><Key>a</Key><Value>b</Value></Tag>'

function put(rules: string, headers: Record<string, string> = {}): Promise<Answer> {
  const body = wrap(rules)
  const digest = Buffer.from(md5(body), 'hex').toString('base64')
  return s3.send('PUT', '/photos?lifecycle', {
    body,
    headers: { 'content-md5': digest, ...headers },
  })
}

describe('the lifecycle of a bucket', () => {
  it('rules are stored, returned in the form in which they were sent, and removed', async () => {
    const rules = [
      rule(days),
      rule(days, '<Prefix>old/</Prefix>', 'old'),
      rule(
        '<Expiration><Date>2026-12-24T00:00:00.000Z</Date></Expiration>',
        '<Filter></Filter>',
        'date',
      ),
      rule(
        '<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>' +
          '<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>' +
          abort,
        undefined,
        'versions',
      ),
      rule(
        days,
        `<Filter><And><Prefix>a</Prefix>${tag}<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter>`,
        'and',
      ),
    ].join('')
    expect((await s3.send('GET', '/photos?lifecycle')).code).toBe('NoSuchLifecycleConfiguration')
    expect((await put(rules)).status).toBe(200)
    expect((await s3.send('GET', '/photos?lifecycle')).text).toContain(wrap(rules))
    for (let times = 0; times < 2; times += 1)
      expect((await s3.send('DELETE', '/photos?lifecycle')).status).toBe(204)
    expect((await s3.send('GET', '/photos?lifecycle')).status).toBe(404)
  })

  it('a rule without an ID gets one, which stays', async () => {
    expect((await put(`<Rule><Filter/><Status>Enabled</Status>${days}</Rule>`)).status).toBe(200)
    const [first] = texts((await s3.send('GET', '/photos?lifecycle')).text, 'ID')
    const [second] = texts((await s3.send('GET', '/photos?lifecycle')).text, 'ID')
    expect(first).toMatch(/^.{20,}$/)
    expect(second).toBe(first)
  })

  it('the minimum size of transitions is said back, and is not part of the document', async () => {
    const name = 'x-amz-transition-default-minimum-object-size'
    expect((await put(rule(days))).headers[name]).toBe('all_storage_classes_128K')
    const other = await put(rule(days), { [name]: 'varies_by_storage_class' })
    expect(other.headers[name]).toBe('varies_by_storage_class')
    const got = await s3.send('GET', '/photos?lifecycle')
    expect(got.headers[name]).toBe('varies_by_storage_class')
    expect(got.text).not.toContain('TransitionDefault')
    expect(await put(rule(days), { [name]: 'small' })).toMatchObject({ code: 'InvalidArgument' })
  })

  it('a body without a digest is refused, and so is a bucket that does not exist', async () => {
    const bare = await s3.send('PUT', '/photos?lifecycle', { body: wrap(rule(days)) })
    expect(bare).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(bare.text).toContain('Content-MD5 OR x-amz-checksum-*')
    for (const method of ['GET', 'DELETE'])
      expect((await s3.send(method, '/nothing-here?lifecycle')).code).toBe('NoSuchBucket')
  })

  const expires = (fields: string): string => rule(`<Expiration>${fields}</Expiration>`)
  const noncurrent = (fields: string): string =>
    rule(`<NoncurrentVersionExpiration>${fields}</NoncurrentVersionExpiration>`)
  it.each([
    ['no rules', '', 'MalformedXML'],
    ['an unknown element', '<Rules/>', 'MalformedXML'],
    ['an unknown action', rule(`${days}<Explode/>`), 'MalformedXML'],
    ['another status', rule(days).replace('Enabled', 'enabled'), 'MalformedXML'],
    ['no status', rule(days).replace(/<Status>.*<\/Status>/, ''), 'MalformedXML'],
    ['neither filter nor prefix', rule(days, ''), 'MalformedXML'],
    ['both filter and prefix', rule(days, '<Filter/><Prefix>a</Prefix>'), 'MalformedXML'],
    ['two conditions without And', rule(days, `<Filter><Prefix/>${tag}</Filter>`), 'MalformedXML'],
    ['And of one', rule(days, `<Filter><And>${tag}</And></Filter>`), 'MalformedXML'],
    ['a tag twice', rule(days, `<Filter><And>${tag}${tag}</And></Filter>`), 'InvalidTag'],
    ['a long prefix', rule(days, `<Prefix>${'a'.repeat(1025)}</Prefix>`), 'InvalidArgument'],
    ['a long ID', rule(days, undefined, 'a'.repeat(256)), 'InvalidArgument'],
    ['an ID twice', rule(days) + rule(days), 'InvalidArgument'],
    ['no action', rule(''), 'InvalidRequest'],
    ['0 days', expires('<Days>0</Days>'), 'InvalidArgument'],
    ['-1 days', expires('<Days>-1</Days>'), 'InvalidArgument'],
    ['a part of a day', expires('<Days>1.5</Days>'), 'MalformedXML'],
    ['days and date', expires('<Days>1</Days><Date>2026-12-24</Date>'), 'MalformedXML'],
    ['an empty expiration', expires(''), 'MalformedXML'],
    [
      'days and markers',
      expires('<Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>'),
      'MalformedXML',
    ],
    ['no date', expires('<Date>soon</Date>'), 'MalformedXML'],
    ['a time of day', expires('<Date>2026-12-24T12:00:00Z</Date>'), 'InvalidArgument'],
    ['midnight elsewhere', expires('<Date>2026-12-24T00:00:00+01:00</Date>'), 'InvalidArgument'],
    ['0 noncurrent days', noncurrent('<NoncurrentDays>0</NoncurrentDays>'), 'InvalidArgument'],
    ['no noncurrent days', noncurrent(''), 'MalformedXML'],
    [
      'too many newer versions',
      noncurrent(
        '<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>101</NewerNoncurrentVersions>',
      ),
      'InvalidArgument',
    ],
    ['an upload by tag', rule(abort, `<Filter>${tag}</Filter>`), 'InvalidRequest'],
    [
      'delete markers by tag',
      expires('<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>').replace(
        '<Prefix>logs/</Prefix>',
        tag,
      ),
      'InvalidRequest',
    ],
    [
      'sizes that no object has',
      rule(
        days,
        '<Filter><And><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter>',
      ),
      'InvalidRequest',
    ],
    [
      '1001 rules',
      Array.from({ length: 1001 }, (_, at) => rule(days, '<Filter/>', `${at}`)).join(''),
      'InvalidRequest',
    ],
    [
      'a transition at a time of day',
      rule(
        `${days}<Transition><Date>2026-12-24T12:00:00Z</Date><StorageClass>GLACIER</StorageClass></Transition>`,
      ),
      'InvalidArgument',
    ],
    [
      'a transition',
      rule(`<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>`),
      'NotImplemented',
    ],
    [
      'a transition of versions',
      rule(
        `${days}<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>`,
      ),
      'NotImplemented',
    ],
  ])('a document with %s is refused, and the one before it stays', async (_, rules, code) => {
    await put(rule(days, undefined, 'before'))
    const answer = await put(rules)
    expect(answer.code).toBe(code)
    expect(answer.status).toBe(code === 'NotImplemented' ? 501 : 400)
    expect(texts((await s3.send('GET', '/photos?lifecycle')).text, 'ID')).toEqual(['before'])
  })

  it('a thousand rules with prefixes are stored', async () => {
    const rules = Array.from({ length: 1000 }, (_, at) => rule(days, undefined, `rule-${at}`))
    expect((await put(rules.join(''))).status).toBe(200)
    expect(texts((await s3.send('GET', '/photos?lifecycle')).text, 'ID')).toHaveLength(1000)
  })

  it('whatever is understood is stored so that it is understood in the same way', () => {
    const anyText = fc
      .string({ minLength: 1, maxLength: 5 })
      .map((text) => text.replaceAll(/[^ -~é]/g, 'x').trim() || 'x')
    const escape = (text: string): string =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    const any = fc.record({
      id: anyText,
      prefix: anyText,
      name: anyText,
      value: anyText,
      days: fc.integer({ min: 1 }),
    })
    fc.assert(
      fc.property(any, (given) => {
        const { id, prefix, name, value } = given
        const filter = `<Filter><And><Prefix>${escape(prefix)}</Prefix><Tag><Key>${escape(name)}</Key><Value>${escape(value)}</Value></Tag></And></Filter>`
        const text = wrap(
          rule(`<Expiration><Days>${given.days}</Days></Expiration>`, filter, escape(id)),
        )
        const rules = readLifecycleRules(text)
        const minimumSize = 'varies_by_storage_class'
        expect(rules[0]).toMatchObject({ id, filter: { prefix, tags: [[name, value]] } })
        expect(decodeLifecycle(encodeLifecycle({ rules, minimumSize }))).toEqual({
          rules,
          minimumSize,
        })
      }),
    )
  })
})
