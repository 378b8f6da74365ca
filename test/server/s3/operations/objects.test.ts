import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  md5,
  openHarness,
  startMs,
  texts,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})
afterEach(() => s3.close())

describe('an object', () => {
  it('an object is returned as it was stored, with its headers and its metadata', async () => {
    const put = await s3.send('PUT', '/photos/small%20one%2B%C3%BC.txt?x-id=PutObject', {
      body: 'Hello, World',
      headers: {
        'content-type': 'text/plain',
        'content-encoding': 'gzip, aws-chunked',
        'cache-control': 'no-cache',
        'x-amz-meta-colour': 'blue',
      },
    })
    expect(put).toMatchObject({ status: 200, headers: { etag: `"${md5('Hello, World')}"` } })

    const got = await s3.send('GET', '/photos/small%20one%2B%C3%BC.txt')

    expect(got.text).toBe('Hello, World')
    expect(got.headers).toEqual({
      'content-type': 'text/plain',
      'content-encoding': 'gzip',
      'cache-control': 'no-cache',
      'x-amz-meta-colour': 'blue',
      'accept-ranges': 'bytes',
      'content-length': '12',
      etag: `"${md5('Hello, World')}"`,
      'last-modified': 'Mon, 23 Nov 2026 16:33:27 GMT',
    })
    expect(await readFile(join(s3.folder, 'photos/small one+ü.txt'), 'utf8')).toBe('Hello, World')
  })

  it('HEAD describes an object as GET does, without a body', async () => {
    await s3.send('PUT', '/photos/a', { body: 'abc' })

    const head = await s3.send('HEAD', '/photos/a')
    const got = await s3.send('GET', '/photos/a')

    expect(head.body).toHaveLength(0)
    expect(head.headers).toEqual(got.headers)
    expect((await s3.send('HEAD', '/photos/none')).status).toBe(404)
    expect((await s3.send('HEAD', '/photos/none')).body).toHaveLength(0)
  })

  it.each([
    ['bytes=0-4', 206, 'Hello', 'bytes 0-4/12'],
    ['bytes=7-', 206, 'World', 'bytes 7-11/12'],
    ['bytes=-5', 206, 'World', 'bytes 7-11/12'],
    ['bytes=-500', 206, 'Hello, World', 'bytes 0-11/12'],
    ['bytes=7-500', 206, 'World', 'bytes 7-11/12'],
    ['bytes=0-1,3-4', 200, 'Hello, World', undefined],
    ['bytes=4-1', 200, 'Hello, World', undefined],
    ['lines=1-2', 200, 'Hello, World', undefined],
    ['bytes= 0 - 4 ', 206, 'Hello', 'bytes 0-4/12'],
    // More spaces than anybody writes do not make a range: a pattern would try each split of two runs of spaces (quadratic time).
    [`bytes=${' '.repeat(9)}0-4`, 200, 'Hello, World', undefined],
    [`bytes=0${' '.repeat(9)}-4`, 200, 'Hello, World', undefined],
  ])('range %s gets the status %i and the body %j', async (range, status, text, contentRange) => {
    await s3.send('PUT', '/photos/a', { body: 'Hello, World' })

    const got = await s3.send('GET', '/photos/a', { headers: { range } })

    expect(got).toMatchObject({ status, text })
    expect(got.headers['content-range']).toBe(contentRange)
    expect(got.headers['content-length']).toBe(String(text.length))
  })

  it.each(['bytes=12-', 'bytes=-0'])('the range %s is refused, with the size', async (range) => {
    await s3.send('PUT', '/photos/a', { body: 'Hello, World' })

    const got = await s3.send('GET', '/photos/a', { headers: { range } })

    expect(got).toMatchObject({ status: 416, code: 'InvalidRange' })
    expect(got.headers['content-range']).toBe('bytes */12')
  })

  it('a large object is streamed, as a whole and in part', async () => {
    const body = Buffer.alloc(3_000_000, 'abcdefghij')
    await s3.send('PUT', '/photos/big', { body })

    expect((await s3.send('GET', '/photos/big')).body.equals(body)).toBe(true)
    const part = await s3.send('GET', '/photos/big', { headers: { range: 'bytes=5-1500004' } })
    expect(part.body.equals(body.subarray(5, 1_500_005))).toBe(true)
  })

  it('an object may be empty', async () => {
    await s3.send('PUT', '/photos/empty', { body: '' })

    expect(await s3.send('GET', '/photos/empty')).toMatchObject({ status: 200, text: '' })
    const ranged = await s3.send('GET', '/photos/empty', { headers: { range: 'bytes=0-' } })
    expect(ranged.status).toBe(416)
  })

  it('the query of a GET can set response headers, but no line break in them', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x' })

    const got = await s3.send('GET', '/photos/a?response-content-type=text%2Fcsv')
    expect(got.headers['content-type']).toBe('text/csv')

    const split = await s3.send('GET', '/photos/a?response-content-type=a%0D%0Ab')
    expect(split).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })

  it('an object is gone after DELETE, and a second DELETE succeeds too', async () => {
    await s3.send('PUT', '/photos/a/b/c', { body: 'x' })

    expect((await s3.send('DELETE', '/photos/a/b/c')).status).toBe(204)
    expect((await s3.send('DELETE', '/photos/a/b/c')).status).toBe(204)
    expect(await s3.send('GET', '/photos/a/b/c')).toMatchObject({ status: 404, code: 'NoSuchKey' })
    expect(await readdir(join(s3.folder, 'photos'))).toEqual([])
  })
})

describe('conditional requests', () => {
  const etag = `"${md5('x')}"`
  const later = new Date(startMs + 60_000).toUTCString()
  const earlier = new Date(startMs - 60_000).toUTCString()

  it.each([
    [{ 'if-match': etag }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-match': '*' }, 200],
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `W/"other", ${etag}` }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': later }, 304],
    [{ 'if-modified-since': new Date(startMs).toUTCString() }, 304],
    [{ 'if-modified-since': earlier }, 200],
    [{ 'if-unmodified-since': earlier }, 412],
    [{ 'if-unmodified-since': later }, 200],
    [{ 'if-match': etag, 'if-unmodified-since': earlier }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': later }, 200],
    [{ 'if-modified-since': 'whenever' }, 200],
  ])('a GET or HEAD with %j gets the status %i', async (headers, status) => {
    await s3.send('PUT', '/photos/a', { body: 'x' })

    expect((await s3.send('GET', '/photos/a', { headers })).status).toBe(status)
    expect((await s3.send('HEAD', '/photos/a', { headers })).status).toBe(status)
  })

  it('a write with If-None-Match: * refuses to overwrite an object, before the body is read', async () => {
    const headers = { 'if-none-match': '*' }
    expect((await s3.send('PUT', '/photos/a', { body: 'x', headers })).status).toBe(200)

    const second = await s3.send('PUT', '/photos/a', { body: 'y', headers })

    expect(second).toMatchObject({ status: 412, code: 'PreconditionFailed' })
    // a gateway learns about the object only from the upstream's answer
    expect(second.wasBodyRead).toBe(s3.backend === 'gateway')
    expect((await s3.send('GET', '/photos/a')).text).toBe('x')
  })

  it('exactly one of many concurrent writers with If-None-Match: * succeeds', async () => {
    const headers = { 'if-none-match': '*' }
    const writes = Array.from({ length: 20 }, (_, index) => {
      return s3.send('PUT', '/photos/lock', { body: `writer ${index}`, headers })
    })
    const statuses = (await Promise.all(writes)).map((answer) => answer.status)

    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 412)).toHaveLength(19)
    const winner = statuses.indexOf(200)
    expect((await s3.send('GET', '/photos/lock')).text).toBe(`writer ${winner}`)
  })

  it('a write with If-Match replaces only the object with that ETag', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x' })

    const headers = { 'if-match': etag }
    expect((await s3.send('PUT', '/photos/a', { body: 'y', headers })).status).toBe(200)
    expect((await s3.send('PUT', '/photos/a', { body: 'z', headers })).status).toBe(412)
    expect(await s3.send('PUT', '/photos/b', { body: 'z', headers })).toMatchObject({
      status: 404,
      code: 'NoSuchKey',
    })
  })
})

describe('object keys', () => {
  it.each([
    'a//b',
    '/lead',
    'dir/',
    '..',
    '../../../etc/passwd',
    'a/../b',
    'a/./b',
    '.',
    'nul\0byte',
    'tab\tline\n',
    'back\\slash',
    `${'x'.repeat(255)}/${'ü'.repeat(200)}`,
    'x'.repeat(1024),
    '\u{1F600}/\uFFFD',
    '.sts-cli/metadata',
  ])('the key %j is stored, listed and deleted like any other', async (key) => {
    const path = `/photos/${encodeURIComponent(key).replaceAll('%2F', '/')}`
    const put = await s3.send('PUT', path, { body: key })
    if (s3.backend === 'gateway' && /(^|\/)\.\.?(\/|$)|^\/|\0/.test(key)) {
      // an upstream may normalize it to another key than the one that the policy allowed
      expect(put).toMatchObject({ status: 400, code: 'XMinioInvalidObjectName' })
      return
    }
    expect(put.status).toBe(200)

    expect((await s3.send('GET', path)).text).toBe(key)
    const list = await s3.send('GET', '/photos?list-type=2&encoding-type=url')
    expect(texts(list.text, 'Key').map(decodeURIComponent)).toEqual([key])
    expect((await s3.send('DELETE', path)).status).toBe(204)
    expect((await s3.send('GET', path)).status).toBe(404)
    expect((await s3.send('DELETE', '/photos')).status).toBe(204)
  })

  it('an object key never reaches a file outside the store', async () => {
    for (const path of ['/photos/../../escaped', '/photos/%2e%2e%2f%2e%2e%2fescaped2']) {
      const put = await s3.send('PUT', path, { body: 'x' })
      expect(put.status).toBe(s3.backend === 'gateway' ? 400 : 200)
    }

    const above = await readdir(join(s3.folder, '..'))
    expect(above.filter((name) => name.startsWith('escaped'))).toEqual([])
    expect((await s3.send('PUT', '/..%2f..%2fetc/x', { body: 'x' })).code).toBe('InvalidBucketName')
    expect((await s3.send('PUT', '/.sts-cli/x', { body: 'x' })).code).toBe('InvalidBucketName')
  })

  it('a key of 1,025 bytes is refused with KeyTooLongError before the body is read', async () => {
    const answer = await s3.send('PUT', `/photos/${'x'.repeat(1025)}`, { body: 'x' })
    expect(answer).toMatchObject({ status: 400, code: 'KeyTooLongError', wasBodyRead: false })
  })

  it('the keys a and a/b can both exist, in whichever order they are written', async () => {
    for (const [first, second] of [
      ['a', 'a/b'],
      ['c/d', 'c'],
    ] as const) {
      await s3.send('PUT', `/photos/${first}`, { body: first })
      await s3.send('PUT', `/photos/${second}`, { body: second })
      expect((await s3.send('GET', `/photos/${first}`)).text).toBe(first)
      expect((await s3.send('GET', `/photos/${second}`)).text).toBe(second)
    }
    const list = await s3.send('GET', '/photos?list-type=2')
    expect(texts(list.text, 'Key')).toEqual(['a', 'a/b', 'c', 'c/d'])
  })

  it('a key with invalid percent-encoding is refused', async () => {
    expect((await s3.send('GET', '/photos/%ff')).code).toBe('InvalidURI')
  })
})

describe('files put there by hand', () => {
  it('a file that was put into a bucket folder by hand is an object', async () => {
    await mkdir(join(s3.folder, 'photos/by'), { recursive: true })
    await writeFile(join(s3.folder, 'photos/by/hand.txt'), 'dropped')

    const got = await s3.send('GET', '/photos/by/hand.txt')

    expect(got.text).toBe('dropped')
    expect(got.headers['etag']).toMatch(/^"[0-9a-f]{32}-1"$/)
    const list = await s3.send('GET', '/photos?list-type=2')
    expect(texts(list.text, 'Key')).toEqual(['by/hand.txt'])
  })

  it('a file that was edited by hand gets a new ETag, also if it was stored as an object', async () => {
    await s3.send('PUT', '/photos/a', { body: 'x' })
    await writeFile(join(s3.folder, 'photos/a'), 'edited')

    const got = await s3.send('GET', '/photos/a')

    expect(got.text).toBe('edited')
    expect(got.headers['etag']).not.toBe(`"${md5('x')}"`)
    expect(got.headers['content-length']).toBe('6')
  })

  it('the store does not follow symbolic links', async () => {
    await writeFile(join(s3.folder, 'secret'), 'secret')
    await symlink(join(s3.folder, 'secret'), join(s3.folder, 'photos/link'))
    await symlink(s3.folder, join(s3.folder, 'photos/up'))
    await symlink(s3.folder, join(s3.folder, 'linked-bucket'))

    expect((await s3.send('GET', '/photos/link')).code).toBe('NoSuchKey')
    expect((await s3.send('GET', '/photos/up/secret')).code).toBe('NoSuchKey')
    expect((await s3.send('GET', '/linked-bucket/secret')).code).toBe('NoSuchBucket')
    expect(texts((await s3.send('GET', '/photos?list-type=2')).text, 'Key')).toEqual([])

    await s3.send('PUT', '/photos/up/secret', { body: 'overwritten' })
    expect(await readFile(join(s3.folder, 'secret'), 'utf8')).toBe('secret')
    expect((await s3.send('GET', '/photos/up/secret')).text).toBe('overwritten')
  })

  it.each(['folder/x', 'folder/b/c/d/e/x'])(
    'the store does not follow a link that took the place of a folder with the stored object %s',
    async (key) => {
      await s3.send('PUT', `/photos/${key}`, { body: 'stored' })
      expect((await s3.send('HEAD', `/photos/${key}`)).status).toBe(200)
      const [from, to] = [join(s3.folder, 'photos/folder'), join(s3.folder, 'elsewhere')]
      await rename(from, to)
      await symlink(to, from)

      expect((await s3.send('GET', `/photos/${key}`)).code).toBe('NoSuchKey')
      expect((await s3.send('HEAD', `/photos/${key}`)).status).toBe(404)
    },
  )

  it('a stored object whose file was replaced by a folder or a named pipe is missing', async () => {
    await s3.send('PUT', '/photos/a', { body: 'stored' })
    await s3.send('PUT', '/photos/b', { body: 'stored' })
    await rm(join(s3.folder, 'photos/a'))
    await rm(join(s3.folder, 'photos/b'))
    await mkdir(join(s3.folder, 'photos/a'))
    execFileSync('mkfifo', [join(s3.folder, 'photos/b')])

    for (const key of ['a', 'b']) {
      expect((await s3.send('GET', `/photos/${key}`)).code).toBe('NoSuchKey')
      expect((await s3.send('HEAD', `/photos/${key}`)).status).toBe(404)
    }
  })
})
