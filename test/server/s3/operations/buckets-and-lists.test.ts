import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness({ domains: ['s3.example.test'] })
})
afterEach(() => s3.close())

async function fill(...keys: string[]): Promise<void> {
  await s3.send('PUT', '/photos')
  for (const key of keys) {
    const path = encodeURIComponent(key).replaceAll('%2F', '/')
    await s3.send('PUT', `/photos/${path}`, { body: key })
  }
}

interface Page {
  readonly keys: string[]
  readonly prefixes: string[]
  readonly xml: string
}

async function list(query: string): Promise<Page> {
  const { text: xml } = await s3.send('GET', `/photos?${query}`)
  const prefixes = [...xml.matchAll(/<CommonPrefixes><Prefix>([^<]*)/g)].map(
    (match) => match[1] ?? '',
  )
  return { keys: texts(xml, 'Key'), prefixes, xml }
}

describe('buckets', () => {
  it('a bucket is created once, found by HEAD, and deleted only when empty', async () => {
    expect(await s3.send('PUT', '/photos/')).toMatchObject({
      status: 200,
      headers: { location: '/photos' },
    })
    expect(await s3.send('PUT', '/photos')).toMatchObject({
      status: 409,
      code: 'BucketAlreadyOwnedByYou',
    })
    expect((await s3.send('HEAD', '/photos')).status).toBe(200)
    expect((await s3.send('HEAD', '/nothing-here')).status).toBe(404)
    await s3.send('PUT', '/photos/a/b', { body: 'x' })
    expect(await s3.send('DELETE', '/photos')).toMatchObject({
      status: 409,
      code: 'BucketNotEmpty',
    })
    await s3.send('DELETE', '/photos/a/b')
    expect((await s3.send('DELETE', '/photos')).status).toBe(204)
    expect(await s3.send('DELETE', '/photos')).toMatchObject({ status: 404, code: 'NoSuchBucket' })
  })

  it('a new bucket contains nothing of a deleted bucket with the same name', async () => {
    await fill('a//b')
    await s3.send('DELETE', '/photos/a//b')
    await s3.send('DELETE', '/photos')
    await s3.send('PUT', '/photos')
    expect((await list('list-type=2')).keys).toEqual([])
  })

  it.each([
    'ab',
    'Photos',
    'a..b',
    '-ab',
    'ab-',
    '192.168.0.1',
    'a_b',
    'x'.repeat(64),
    'minio',
    '.sts-cli',
  ])('the bucket name %j is refused', async (name) => {
    expect(await s3.send('PUT', `/${name}`)).toMatchObject({
      status: 400,
      code: 'InvalidBucketName',
    })
  })

  it('a bucket is created only in the region of the server, and reports it', async () => {
    const inRegion = (region: string): string => {
      return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`
    }
    expect((await s3.send('PUT', '/one', { body: inRegion('us-east-1') })).status).toBe(200)
    const elsewhere = await s3.send('PUT', '/two', { body: inRegion('eu-west-1') })
    expect(elsewhere).toMatchObject({ status: 400, code: 'InvalidLocationConstraint' })
    expect((await s3.send('PUT', '/two', { body: '<Other/>' })).code).toBe('MalformedXML')
    expect((await s3.send('GET', '/one?location')).text).toMatch(
      /<LocationConstraint xmlns="[^"]*"><\/LocationConstraint>$/,
    )
    expect((await s3.send('GET', '/two?location=')).code).toBe('NoSuchBucket')
    expect((await s3.send('GET', '/one?versioning')).text).toMatch(
      /<VersioningConfiguration xmlns="[^"]*"><\/VersioningConfiguration>$/,
    )
  })

  it('a bucket can be addressed by host name, on localhost and on the configured domains', async () => {
    for (const domain of ['localhost:9000', 's3.example.test']) {
      const headers = { host: `photos.${domain}` }
      expect((await s3.send('PUT', '/', { headers })).status).toBe(200)
      expect((await s3.send('PUT', '/a/b', { headers, body: 'x' })).status).toBe(200)
      expect((await s3.send('GET', '/photos/a/b', { headers: { host: domain } })).text).toBe('x')
      expect(texts((await s3.send('GET', '/?list-type=2', { headers })).text, 'Key')).toEqual([
        'a/b',
      ])
      expect((await s3.send('DELETE', '/a/b', { headers })).status).toBe(204)
      expect((await s3.send('DELETE', '/', { headers })).status).toBe(204)
    }
  })

  it('buckets are listed by name, and plain files are not listed as buckets', async () => {
    await s3.send('PUT', '/zoo')
    await s3.send('PUT', '/ant')
    await writeFile(join(s3.folder, 'file'), 'x')

    const { text } = await s3.send('GET', '/')

    expect(texts(text, 'Name')).toEqual(['ant', 'zoo'])
    expect(texts(text, 'CreationDate')[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })
})

describe('lists of objects', () => {
  it('keys are listed in the order of their UTF-8 bytes', async () => {
    const keys = ['a', 'a!', 'a/b', 'a0', 'b', '\u00fc', '\uffee', '\u{1F600}']
    await fill(...keys.toReversed())

    expect((await list('list-type=2')).keys).toEqual(keys)
    expect((await list('')).keys).toEqual(keys)
  })

  it('a list rolls keys up at a delimiter', async () => {
    await fill('a/1', 'a/2', 'a/sub/3', 'b', 'c/4', 'd-e/5', 'f/')

    expect(await list('list-type=2&delimiter=/')).toMatchObject({
      keys: ['b'],
      prefixes: ['a/', 'c/', 'd-e/', 'f/'],
    })
    expect(await list('delimiter=/&prefix=a/')).toMatchObject({
      keys: ['a/1', 'a/2'],
      prefixes: ['a/sub/'],
    })
    expect(await list('delimiter=-')).toMatchObject({
      keys: ['a/1', 'a/2', 'a/sub/3', 'b', 'c/4', 'f/'],
      prefixes: ['d-'],
    })
    expect(await list('delimiter=/&prefix=f/')).toMatchObject({ keys: ['f/'], prefixes: [] })
    expect(await list('delimiter=ub&prefix=a')).toMatchObject({
      keys: ['a/1', 'a/2'],
      prefixes: ['a/sub'],
    })
  })

  it.each(['a', 'a/', 'a/s', 'none', 'a/sub/3', 'a/sub/3x', 'd'])(
    'a list with the prefix %j contains the keys that begin with it',
    async (prefix) => {
      const keys = ['a/1', 'a/2', 'a/sub/3', 'ab', 'b', 'd//e']
      await fill(...keys)
      const { keys: listed } = await list(`list-type=2&prefix=${encodeURIComponent(prefix)}`)
      expect(listed).toEqual(keys.filter((key) => key.startsWith(prefix)))
    },
  )

  it.each(['', '/', '-', 'a'])(
    'a list is the same in pages of any size, with the delimiter %j',
    async (delimiter) => {
      await fill('a/1', 'a/2', 'a-x', 'b//c', 'b/d/e', 'b/d/f', 'ba', 'c', 'c/d', 'd/')
      const whole = await list(`list-type=2&delimiter=${delimiter}`)
      for (const size of [1, 2, 3, 7]) {
        for (const version of [1, 2]) {
          const paged = await readPages(version, size, delimiter)
          expect(paged.keys).toEqual(whole.keys)
          expect(paged.prefixes).toEqual(whole.prefixes)
        }
      }
    },
  )

  it('a list begins after the key in start-after or marker', async () => {
    await fill('a', 'b', 'b/1', 'b/2', 'c')

    expect((await list('list-type=2&start-after=b')).keys).toEqual(['b/1', 'b/2', 'c'])
    expect((await list('marker=b%2F1')).keys).toEqual(['b/2', 'c'])
    expect(await list('marker=b%2F1&delimiter=/')).toMatchObject({ keys: ['c'], prefixes: ['b/'] })
    expect(await list('marker=b%2F&delimiter=/')).toMatchObject({ keys: ['c'], prefixes: [] })
  })

  it('a list percent-encodes its keys on request, and reports the encoding', async () => {
    await fill('a b+ü&/x')

    const { xml } = await list('list-type=2&encoding-type=url&prefix=a%20b')

    expect(texts(xml, 'Key')).toEqual(['a%20b%2B%C3%BC%26/x'])
    expect(texts(xml, 'Prefix')).toEqual(['a%20b'])
    expect(texts(xml, 'EncodingType')).toEqual(['url'])
    expect(texts((await list('list-type=2')).xml, 'Key')).toEqual(['a b+ü&amp;/x'])
  })

  it('a list refuses invalid parameters, limits max-keys to 1,000 and needs an existing bucket', async () => {
    await fill()
    for (const query of [
      'max-keys=-1',
      'max-keys=x',
      'encoding-type=xml',
      'list-type=2&continuation-token=*',
    ]) {
      expect((await s3.send('GET', `/photos?${query}`)).code).toBe('InvalidArgument')
    }
    expect((await list('list-type=2&max-keys=0')).xml).toContain('<IsTruncated>false</IsTruncated>')
    expect((await list('list-type=2&max-keys=5000')).xml).toContain('<MaxKeys>1000</MaxKeys>')
    expect((await s3.send('GET', '/no-such-bucket?list-type=2')).code).toBe('NoSuchBucket')
  })

  it('a list leaves out folders that contain no object', async () => {
    await fill('a/b/c')
    await s3.objects.createBucket('empty')
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(s3.folder, 'photos/hollow/inner'), { recursive: true })

    expect((await list('delimiter=/')).prefixes).toEqual(['a/'])
    await s3.send('DELETE', '/photos/a/b/c')
    expect((await s3.send('DELETE', '/photos')).status).toBe(204)
  })
})

async function readPages(
  version: number,
  size: number,
  delimiter: string,
): Promise<{ keys: string[]; prefixes: string[] }> {
  const keys: string[] = []
  const prefixes: string[] = []
  let next = ''
  for (;;) {
    const page = await list(
      `${version === 2 ? 'list-type=2&' : ''}max-keys=${size}&delimiter=${delimiter}${next}`,
    )
    expect(page.keys.length + page.prefixes.length).toBeLessThanOrEqual(size)
    keys.push(...page.keys)
    prefixes.push(...page.prefixes)
    const [marker] = texts(page.xml, version === 2 ? 'NextContinuationToken' : 'NextMarker')
    if (!page.xml.includes('<IsTruncated>true')) return { keys, prefixes }
    next = `&${version === 2 ? 'continuation-token' : 'marker'}=${encodeURIComponent(marker ?? '')}`
  }
}

describe('multi-delete', () => {
  const crc = { 'x-amz-checksum-crc32': 'AAAAAA==' }

  it('multi-delete deletes the allowed keys and reports an error for the others', async () => {
    await fill('a', 'b', 'c&d')
    s3.allow = ({ action, object }) => !(action === 's3:DeleteObject' && object === 'b')
    const body =
      '<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object><Object><Key>c&amp;d</Key></Object><Object><Key>none</Key></Object></Delete>'

    const answer = await s3.send('POST', '/photos?delete=', { body, headers: md5Header(body) })

    expect([...answer.text.matchAll(/<Deleted><Key>([^<]*)/g)].map((match) => match[1])).toEqual([
      'a',
      'c&amp;d',
      'none',
    ])
    expect(answer.text).toContain('<Error><Key>b</Key><Code>AccessDenied</Code>')
    s3.allow = () => true
    expect((await list('')).keys).toEqual(['b'])
  })

  it('multi-delete in quiet mode reports no deleted keys', async () => {
    await fill('a')
    const body = '<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>'
    const answer = await s3.send('POST', '/photos?delete', { body, headers: md5Header(body) })
    expect(answer.text).toMatch(/<DeleteResult xmlns="[^"]*"><\/DeleteResult>$/)
  })

  it('multi-delete needs a digest of its body and 1 to 1,000 keys', async () => {
    await fill('a')
    const of = (count: number): string =>
      `<Delete>${'<Object><Key>a</Key></Object>'.repeat(count)}</Delete>`
    expect((await s3.send('POST', '/photos?delete', { body: of(1) })).code).toBe('InvalidRequest')
    expect((await s3.send('POST', '/photos?delete', { body: of(1), headers: crc })).code).toBe(
      'BadDigest',
    )
    for (const body of [of(0), of(1001), 'not xml', '<!DOCTYPE x><Delete/>']) {
      expect(
        (await s3.send('POST', '/photos?delete', { body, headers: md5Header(body) })).code,
      ).toBe('MalformedXML')
    }
    expect((await list('')).keys).toEqual(['a'])
  })

  it('multi-delete is refused before its body is read if the caller may delete nothing in the bucket', async () => {
    await fill('a')
    const body = '<Delete><Object><Key>a</Key></Object></Delete>'
    const send = (): Promise<Answer> =>
      s3.send('POST', '/photos?delete', { body, headers: md5Header(body) })
    const questions: string[] = []
    s3.allowBucket = ({ action, bucket }) => {
      questions.push(`${action} ${bucket}`)
      return false
    }
    expect(await send()).toMatchObject({ status: 403, code: 'AccessDenied', wasBodyRead: false })
    expect(questions).toEqual(['s3:DeleteObject photos', 's3:DeleteObjectVersion photos'])
    s3.allowBucket = ({ action }) => action === 's3:DeleteObjectVersion'
    s3.allow = () => false
    expect(await send()).toMatchObject({ status: 200, wasBodyRead: true })
    s3.allow = () => true
    expect((await list('')).keys).toEqual(['a'])
  })

  it.each([
    ['a forbidden character', '<Object><Key>a</Key></Object><Object><Key>&#1;x</Key></Object>'],
    ['a raw control character', '<Object><Key>a</Key></Object><Object><Key>\u0001x</Key></Object>'],
    ['an unknown entity', '<Object><Key>a</Key></Object><Object><Key>&x;</Key></Object>'],
    ['more elements than 1,000 keys need', `<Object><Key>a</Key></Object>${'<a/>'.repeat(9000)}`],
    [
      'more references than 1,000 keys need',
      `<Object><Key>a</Key></Object><a>${'&amp;'.repeat(140_000)}</a>`,
    ],
    ['bytes that are not UTF-8', '<Object><Key>a</Key></Object><Object><Key>\u00ff</Key></Object>'],
  ])('multi-delete with %s is MalformedXML and deletes nothing', async (what, inner) => {
    await fill('a')
    const encoding = what.includes('UTF-8') ? 'latin1' : 'utf8'
    const body = Buffer.from(`<Delete>${inner}</Delete>`, encoding)
    const digest = createHash('md5').update(body).digest('base64')
    const answer = await s3.send('POST', '/photos?delete', {
      body,
      headers: { 'content-md5': digest },
    })
    expect(answer).toMatchObject({ status: 400, code: 'MalformedXML' })
    expect((await list('')).keys).toEqual(['a'])
  })

  it('multi-delete accepts 1,000 keys of 1,024 bytes with versions, and refuses a body over 2 MiB', async () => {
    await s3.send('PUT', '/photos')
    const object = `<Object><Key>${'k'.repeat(1024)}</Key><VersionId>null</VersionId></Object>`
    const body = `<Delete>${object.repeat(1000)}</Delete>`
    const answer = await s3.send('POST', '/photos?delete', { body, headers: md5Header(body) })
    expect(answer.status).toBe(200)
    const long = `${' '.repeat(2 * 1024 * 1024)}${body}`
    const refused = await s3.send('POST', '/photos?delete', {
      body: long,
      headers: md5Header(long),
    })
    expect(refused.status).toBe(400)
  })

  it('multi-delete builds its conditions once, and yields to the event loop between its keys', async () => {
    await s3.send('PUT', '/photos')
    const body = `<Delete>${'<Object><Key>a</Key></Object>'.repeat(1000)}</Delete>`
    s3.allow = () => false
    s3.asked.length = 0
    let turns = 0
    let isDone = false
    const others = (): void => {
      turns += 1
      if (!isDone) setImmediate(others)
    }
    s3.allow = ({ action }) => {
      if (turns === 0) others()
      return action !== 's3:DeleteObject'
    }
    await s3.send('POST', '/photos?delete', { body, headers: md5Header(body) })
    isDone = true
    const questions = s3.asked.filter(({ action }) => action === 's3:DeleteObject')
    expect(questions).toHaveLength(1000)
    for (const member of ['conditions', 'memo', 'principal'] as const)
      expect(new Set(questions.map((question) => question[member])).size).toBe(1)
    expect(turns).toBeGreaterThan(50)
  })
})

describe('the list of buckets', () => {
  it('the list of buckets asks about each bucket with the same conditions, which are built once', async () => {
    for (const name of ['one', 'two', 'three']) await s3.send('PUT', `/bucket-${name}`)
    s3.asked.length = 0
    s3.allow = ({ action }) => action === 's3:ListBucket'
    expect(texts((await s3.send('GET', '/')).text, 'Name')).toHaveLength(3)
    expect(s3.asked).toHaveLength(4)
    expect(new Set(s3.asked.map(({ conditions }) => conditions)).size).toBe(1)
  })
})

function md5Header(body: string): Record<string, string> {
  return { 'content-md5': createHash('md5').update(body).digest('base64') }
}
