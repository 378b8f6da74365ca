/** Operations that the upstream works on for a long time: the client gets a sign of life, and what the upstream says at the end. */
import { expect, it, onTestFinished } from 'vitest'
import type { Schedule } from '../../../../src/server/s3/request/answer-while-working.ts'
import { openHarness, type Answer, type Harness } from '../../../support/server/s3-harness.ts'
import {
  errorXml,
  keys,
  startUpstream,
  type ScriptedUpstream,
} from '../../../support/server/scripted-upstream.ts'

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

async function open(after?: Schedule): Promise<{ s3: Harness; upstream: ScriptedUpstream }> {
  const upstream = await startUpstream()
  const s3 = await openHarness({
    upstream: { url: upstream.url, credentials: keys },
    ...(after && { after }),
  })
  onTestFinished(() => s3.close())
  return { s3, upstream }
}

const operations: Readonly<Record<string, (s3: Harness) => Promise<Answer>>> = {
  CompleteMultipartUpload: (s3) => s3.send('POST', '/photos/a?uploadId=x', { body: '<C/>' }),
  CopyObject: (s3) =>
    s3.send('PUT', '/photos/a', { headers: { 'x-amz-copy-source': '/photos/b' } }),
  UploadPartCopy: (s3) =>
    s3.send('PUT', '/photos/a?partNumber=1&uploadId=x', {
      headers: { 'x-amz-copy-source': '/photos/b' },
    }),
}

/** Runs everything that is to happen later at once, but white space only once. */
function createHaste(): Schedule {
  let runs = 0
  return (_delayMs, run) => {
    runs += 1
    if (runs <= 2) queueMicrotask(run)
    return () => {}
  }
}

it.each(Object.entries(operations))(
  '%s that the upstream refuses has the status of the refusal',
  async (_name, ask) => {
    const { s3, upstream } = await open()
    upstream.answer = (_request, response) => {
      response.writeHead(404)
      response.end(errorXml('NoSuchKey'))
    }
    expect(await ask(s3)).toMatchObject({ status: 404, code: 'NoSuchKey' })
  },
)

it.each(Object.entries(operations))(
  '%s whose upstream is silent begins with white space and ends with the document of the upstream',
  async (_name, ask) => {
    const { s3, upstream } = await open(createHaste())
    upstream.answer = (_request, response) => {
      response.end('<?xml version="1.0" encoding="UTF-8"?>\n\n<Result><ETag>1</ETag></Result>')
    }
    const { status, text, facts } = await ask(s3)
    expect(status).toBe(200)
    expect(text.startsWith(`${declaration} `)).toBe(true)
    expect(text.slice(declaration.length).trim()).toBe('<Result><ETag>1</ETag></Result>')
    expect(facts.refusal).toBeUndefined()
  },
)

it.each(Object.entries(operations))(
  '%s that the upstream began to answer has its headers at once, and a failure after that is in the log',
  async (name, ask) => {
    const { s3, upstream } = await open()
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'x-amz-version-id': 'v7', 'content-type': 'application/xml' })
      response.write('<?xml version="1.0" encoding="UTF-8"?>\n  ')
      const details = '<AWSAccessKeyId>UPSTREAM-KEY-ID</AWSAccessKeyId>'
      setImmediate(() => response.end(errorXml('InternalError', 'cannot', details).slice(22)))
    }
    const answer = await ask(s3)
    expect(answer).toMatchObject({ status: 200, code: 'InternalError' })
    expect(answer.headers).toMatchObject({ 'x-amz-version-id': 'v7' })
    expect(answer.log).toMatchObject({ operation: name, error: 'InternalError', reason: 'cannot' })
    expect(answer.facts.refusal?.status).toBe(500)
    expect(answer.text).not.toContain(keys.accessKeyId)
  },
)

it.each(Object.entries(operations))(
  '%s whose upstream goes away in the middle of its answer ends in an Error document',
  async (_name, ask) => {
    const { s3, upstream } = await open()
    upstream.answer = (_request, response) => {
      response.writeHead(200)
      response.write('<?xml version="1.0" encoding="UTF-8"?>\n  ')
      setImmediate(() => response.destroy())
    }
    expect(await ask(s3)).toMatchObject({ status: 200, code: 'ServiceUnavailable' })
  },
)
