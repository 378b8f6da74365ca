/** The answer to long work begins while the work runs, a repeated request gets the same, and work stops with its client. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AwsError } from '../../../../src/protocol/aws-error.ts'
import {
  answerWhileWorking,
  type Schedule,
} from '../../../../src/server/s3/request/answer-while-working.ts'
import type { LongWork } from '../../../../src/server/s3/request/s3-operation.ts'
import type { HttpReply } from '../../../../src/server/http/http-message.ts'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
const done = { status: 200, headers: {}, body: `${declaration}<Done/>` }

/** Begins work whose end and clock the test holds. */
function beginWork(headers?: Record<string, string>) {
  let finish = (_reply: HttpReply): void => {}
  let fail = (_error: unknown): void => {}
  let signal: AbortSignal | undefined
  const due: (() => void)[] = []
  const after: Schedule = (_delayMs, run) => {
    due.push(run)
    return () => void due.splice(due.indexOf(run), 1)
  }
  const work: LongWork['work'] = (given, begin) => {
    signal = given
    if (headers) begin(headers)
    return new Promise((resolve, reject) => {
      finish = resolve
      fail = reject
    })
  }
  const reply = answerWhileWorking(
    { silenceMs: 20, work },
    {
      after,
      toRefusal: (error) =>
        error instanceof AwsError ? error : new AwsError('InternalError', 'a bug'),
      toDocument: ({ code }) => `${declaration}<Error><Code>${code}</Code></Error>`,
    },
  )
  return {
    reply,
    finish: (made: HttpReply) => finish(made),
    fail: (error: unknown) => fail(error),
    isStopped: () => signal?.aborted,
    /** Lets the time pass until the next thing is due. */
    tick: () => due.shift()?.(),
    waiting: () => due.length,
  }
}

function bodyOf({ body }: HttpReply): Readable {
  if (!(body instanceof Readable)) throw new Error('the reply is in one piece')
  return body
}
const read = async (reply: HttpReply): Promise<string> => (await buffer(bodyOf(reply))).toString()

describe('an answer that begins while the work runs', () => {
  it('work that ends within the silence is answered in one piece', async () => {
    const work = beginWork()
    work.finish(done)
    expect(await work.reply).toBe(done)
    expect(work.waiting()).toBe(0)
  })

  it('work that fails within the silence is refused with the status of its error', async () => {
    const work = beginWork()
    work.fail(new AwsError('SlowDown', 'too much'))
    await expect(work.reply).rejects.toMatchObject({ code: 'SlowDown', status: 503 })
  })

  it('work that takes longer is answered with the declaration at once, then white space, then the document', async () => {
    const work = beginWork()
    work.tick()
    const reply = await work.reply
    expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'application/xml' } })
    const body = bodyOf(reply)
    expect(String(body.read())).toBe(declaration)
    work.tick()
    expect(String(body.read())).toMatch(/^ {2,}$/)
    work.tick()
    work.tick()
    work.finish(done)
    expect(await read(reply)).toMatch(/^ {4,}<Done\/>$/)
    expect(await reply.failure).toBeUndefined()
    expect(work.waiting()).toBe(0)
  })

  it('work that fails after its answer began ends in an Error document, which the reply names', async () => {
    const work = beginWork()
    work.tick()
    const reply = await work.reply
    work.fail(new AwsError('SlowDown', 'too much'))
    expect(await read(reply)).toBe(`${declaration}<Error><Code>SlowDown</Code></Error>`)
    expect(await reply.failure).toMatchObject({ code: 'SlowDown', status: 503 })
  })

  it('the answer to large work begins before the work does', async () => {
    const reply = await answerWhileWorking(
      { silenceMs: 0, work: async () => done },
      {
        after: () => () => {},
        toRefusal: () => new AwsError('InternalError', 'a bug'),
        toDocument: () => '',
      },
    )
    expect(String(bodyOf(reply).read())).toBe(declaration)
    expect(await read(reply)).toBe('<Done/>')
  })

  it('an answer can begin with headers before the end of the silence', async () => {
    const work = beginWork({ 'x-amz-version-id': 'v1' })
    const reply = await work.reply
    expect(reply.headers).toMatchObject({ 'x-amz-version-id': 'v1' })
    work.finish(done)
    expect(await read(reply)).toBe(`${declaration}<Done/>`)
  })

  it('a client that goes away stops the work, and the log learns it', async () => {
    const work = beginWork()
    work.tick()
    const reply = await work.reply
    expect(work.isStopped()).toBe(false)
    bodyOf(reply).destroy()
    expect(work.isStopped()).toBe(true)
    work.fail(new Error('stopped'))
    expect(await reply.failure).toMatchObject({ code: 'ClientDisconnected', status: 499 })
    expect(work.waiting()).toBe(0)
  })
})

const partBytes = 5 * 1024 * 1024
const sources = [Buffer.alloc(partBytes, 'a'), Buffer.from('the last part')]
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

describe('the completion of an upload', () => {
  let s3: Harness
  let uploadId: string
  beforeEach(async () => {
    s3 = await openHarness()
    await s3.send('PUT', '/photos')
    uploadId = await beginUpload()
  })
  afterEach(() => s3.close())

  async function beginUpload(headers: Record<string, string> = {}): Promise<string> {
    const [id = ''] = texts(
      (await s3.send('POST', '/photos/a?uploads', { headers })).text,
      'UploadId',
    )
    for (const [index, body] of sources.entries())
      await s3.send('PUT', `/photos/a?partNumber=${index + 1}&uploadId=${id}`, { body })
    return id
  }

  const partsOf = (numbers: readonly number[]): string => {
    const parts = numbers.map((number) => {
      return `<Part><PartNumber>${number}</PartNumber><ETag>${md5(sources[number - 1] ?? Buffer.of())}</ETag></Part>`
    })
    return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  }
  const complete = (
    numbers = [1, 2],
    headers: Record<string, string> = {},
    id = uploadId,
  ): Promise<Answer> =>
    s3.send('POST', `/photos/a?uploadId=${id}`, { body: partsOf(numbers), headers })

  it('a repeated completion gets the same answer for as long as the object stands', async () => {
    const first = await complete([1, 2], { 'if-none-match': '*' })
    expect(first.status).toBe(200)
    const again = await complete([1, 2], { 'if-none-match': '*' })
    expect([again.status, again.text]).toEqual([200, first.text])
    await s3.send('PUT', '/photos/a?tagging', {
      body: '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>',
    })
    expect((await complete()).text).toBe(first.text)
    expect(md5((await s3.send('GET', '/photos/a')).body)).toBe(md5(Buffer.concat(sources)))

    await s3.send('PUT', '/photos/a', { body: 'another object' })
    expect(await complete()).toMatchObject({ status: 404, code: 'NoSuchUpload' })
    expect((await s3.send('GET', '/photos/a')).text).toBe('another object')
  })

  it('a repeated completion is NoSuchUpload after the object was deleted', async () => {
    await complete()
    await s3.send('DELETE', '/photos/a')
    expect(await complete()).toMatchObject({ status: 404, code: 'NoSuchUpload' })
  })

  it('a repeated completion with other parts is NoSuchUpload', async () => {
    await complete()
    expect(await complete([1])).toMatchObject({ status: 404, code: 'NoSuchUpload' })
    expect(await complete([2])).toMatchObject({ status: 404, code: 'NoSuchUpload' })
  })

  it('a repeated completion is authorized as the first one', async () => {
    await complete()
    s3.allow = () => false
    expect(await complete()).toMatchObject({ status: 403, code: 'AccessDenied' })
  })

  it('completions of one upload at the same time get the same answer', async () => {
    const answers = await Promise.all([complete(), complete(), complete()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(texts((await s3.send('GET', '/photos?uploads')).text, 'UploadId')).toEqual([])
  })

  it('a completion whose condition fails keeps the upload, and refuses with a status', async () => {
    await s3.send('PUT', '/photos/a', { body: 'there' })
    expect(await complete([1, 2], { 'if-none-match': '*' })).toMatchObject({ status: 412 })
    expect((await complete()).status).toBe(200)
  })

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'])(
    'a full-object %s is combined from the parts, and a wrong one is refused',
    async (algorithm) => {
      const header = `x-amz-checksum-${algorithm.toLowerCase()}`
      const headers = {
        'x-amz-checksum-algorithm': algorithm,
        'x-amz-checksum-type': 'FULL_OBJECT',
      }
      const id = await beginUpload(headers)
      const plain = await s3.send('PUT', '/photos/whole', {
        body: Buffer.concat(sources),
        headers: { 'x-amz-checksum-algorithm': algorithm },
      })
      expect(plain.status).toBe(200)
      const whole = await s3.send('HEAD', '/photos/whole', {
        headers: { 'x-amz-checksum-mode': 'ENABLED' },
      })
      const value = whole.headers[header] ?? ''
      const wrong = Buffer.alloc(Buffer.from(value, 'base64').length).toString('base64')
      expect(await complete([1, 2], { [header]: wrong }, id)).toMatchObject({
        status: 400,
        code: 'BadDigest',
      })
      const answer = await complete([1, 2], { [header]: value }, id)
      expect(texts(answer.text, `Checksum${algorithm}`)).toEqual([value])
    },
  )
})

describe('long work in the store', () => {
  let s3: Harness
  beforeEach(async () => {
    s3 = await openHarness()
    await s3.send('PUT', '/photos')
    await s3.send('PUT', '/photos/a', { body: 'bytes' })
  })
  afterEach(() => s3.close())

  it('a copy keeps the ETag and the checksum of an object in one piece, and computes those of other sources', async () => {
    const headers = { 'x-amz-checksum-algorithm': 'CRC32C' }
    await s3.send('PUT', '/photos/with', { body: 'bytes', headers })
    const copy = (source: string, extra: Record<string, string> = {}): Promise<Answer> =>
      s3.send('PUT', '/photos/copy', { headers: { 'x-amz-copy-source': source, ...extra } })
    const kept = (await copy('/photos/with')).text
    expect(kept).toContain(md5(Buffer.from('bytes')))
    expect(kept).toContain('<ChecksumCRC32C>')
    const computed = (await copy('/photos/with', { 'x-amz-checksum-algorithm': 'SHA256' })).text
    expect(texts(computed, 'ChecksumSHA256')).toEqual([
      createHash('sha256').update('bytes').digest('base64'),
    ])
    expect((await s3.send('GET', '/photos/copy')).text).toBe('bytes')
  })

  it('a copy that stops with its client leaves nothing behind', async () => {
    const object = await s3.objects.openObject('photos', 'a')
    if (!object) throw new Error('there is no source')
    const gone = new AbortController()
    // The client goes away while the bytes are read.
    const slow = {
      ...object,
      cloneTo: async () => false,
      readInto: async (bytes: Uint8Array, position: number) => {
        gone.abort(new AwsError('ClientDisconnected', 'gone', { status: 499 }))
        return object.readInto(bytes, position)
      },
    }
    const content = { object: slow, range: undefined, facts: undefined, algorithm: undefined }
    const { metadata } = object.info
    await expect(
      s3.objects.copyObject('photos', 'b', content, { metadata, signal: gone.signal }),
    ).rejects.toMatchObject({ code: 'ClientDisconnected' })
    await object.close()
    expect(await s3.objects.statObject('photos', 'b')).toBeUndefined()
    expect(await readdir(join(s3.folder, '.sts-cli/tmp'))).toEqual([])
  })

  it('a completion that stops with its client keeps the upload, which can be completed then', async () => {
    const begun = await s3.send('POST', '/photos/big?uploads')
    const [uploadId = ''] = texts(begun.text, 'UploadId')
    await s3.send('PUT', `/photos/big?partNumber=1&uploadId=${uploadId}`, { body: 'part' })
    const upload = await s3.objects.findUpload('photos', 'big', uploadId)
    const parts = await s3.objects.listParts(upload)
    const gone = new AbortController()
    gone.abort(new AwsError('ClientDisconnected', 'gone', { status: 499 }))
    const facts = { etag: 'x-1' }
    await expect(
      s3.objects.completeUpload(upload, parts, { facts, signal: gone.signal }),
    ).rejects.toMatchObject({ code: 'ClientDisconnected' })
    expect(await readdir(join(s3.folder, '.sts-cli/tmp'))).toEqual([])
    expect(await s3.objects.completeUpload(upload, parts, { facts })).toMatchObject({ size: 4 })
  })
})
