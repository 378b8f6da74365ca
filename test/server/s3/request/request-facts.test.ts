/** The facts about an answered request, for the log, the metrics and the readers of decisions. */
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { presignUrl } from '../../../../src/protocol/sigv4/sign.ts'
import { countRequests, createMetrics } from '../../../../src/server/metrics.ts'
import {
  md5,
  openHarness,
  region,
  root,
  startMs,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  await s3.send('PUT', '/photos/a', { body: 'abc' })
})
afterEach(() => s3.close())

const copy = (): Promise<Answer> =>
  s3.send('PUT', '/photos/b', { headers: { 'x-amz-copy-source': '/photos/a' } })

async function uploadPart(): Promise<Answer> {
  const begun = await s3.send('POST', '/photos/big?uploads')
  const [uploadId = ''] = texts(begun.text, 'UploadId')
  return s3.send('PUT', `/photos/big?partNumber=1&uploadId=${uploadId}`, { body: 'abc' })
}

function deleteKeys(keys: readonly string[]): Promise<Answer> {
  const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('')
  const body = `<Delete>${objects}</Delete>`
  const digest = Buffer.from(md5(body), 'hex').toString('base64')
  return s3.send('POST', '/photos?delete', { body, headers: { 'content-md5': digest } })
}

describe('the operation of a request', () => {
  it.each<[string, () => Promise<Answer>]>([
    ['CopyObject', copy],
    ['HeadObject', () => s3.send('HEAD', '/photos/a')],
    ['GetObject', () => s3.send('GET', '/photos/a')],
    ['UploadPart', uploadPart],
    ['DeleteObjects', () => deleteKeys(['a'])],
    ['ListBuckets', () => s3.send('GET', '/')],
  ])('a request is logged and counted as %s', async (operation, ask) => {
    const metrics = createMetrics()
    Object.assign(s3, { handler: countRequests(s3.handler, metrics) })
    const answer = await ask()

    expect(answer.status).toBe(200)
    expect(answer.log).toMatchObject({ operation, principal: 'root' })
    expect(await metrics.text()).toContain(
      `sts_cli_requests_total{action="${operation}",status="200"} 1\n`,
    )
  })

  it('a refused request is counted under its operation', async () => {
    const metrics = createMetrics()
    Object.assign(s3, { handler: countRequests(s3.handler, metrics) })
    s3.allow = () => false
    expect((await s3.send('HEAD', '/photos/a')).status).toBe(403)
    expect(await metrics.text()).toContain('{action="HeadObject",status="403"} 1\n')
  })

  it('a request with an unknown operation is counted as other, whatever its parameters are', async () => {
    const metrics = createMetrics()
    Object.assign(s3, { handler: countRequests(s3.handler, metrics) })
    await s3.send('GET', '/photos/a', { isAnonymous: true })
    await s3.send('BREW', '/photos?operation=Brew')
    const labels = [...(await metrics.text()).matchAll(/requests_total\{action="([^"]*)"/g)]
    expect(labels.map(([, label]) => label)).toEqual(['other', 'other'])
  })
})

describe('the policy questions of a request', () => {
  it('the facts contain every policy question, with its caller, resource, decision and rule', async () => {
    const { facts } = await copy()
    expect(facts).toMatchObject({
      caller: { kind: 'root', subject: root.accessKeyId, accessKeyId: root.accessKeyId },
      refusal: undefined,
      decisions: {
        total: 2,
        denied: 0,
        first: [
          { action: 's3:PutObject', bucket: 'photos', key: 'b', isAllowed: true },
          { action: 's3:GetObject', bucket: 'photos', key: 'a', rule: 'as the test says' },
        ],
      },
    })
    expect(facts.decisions.first[0]?.conditions.get('SourceIp')).toEqual(['127.0.0.1'])
  })

  it('the facts show the denial that refused a request', async () => {
    s3.allow = ({ action }) => action !== 's3:GetObject'
    const { facts, log } = await copy()
    expect(facts.decisions).toMatchObject({ total: 2, denied: 1 })
    expect(facts.decisions.firstDenial).toMatchObject({ action: 's3:GetObject', key: 'a' })
    expect(facts.refusal).toMatchObject({ code: 'AccessDenied' })
    expect(log).toMatchObject({
      operation: 'CopyObject',
      action: 's3:GetObject',
      bucket: 'photos',
      key: 'a',
      decision: 'deny',
      rule: 'as the test says',
      decisions: 2,
      denials: 1,
      error: 'AccessDenied',
    })
  })

  it('the facts of a thousand keys contain 20 questions and the first denial', async () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `key-${index}`)
    s3.allow = ({ object }) => object !== 'key-500' && object !== 'key-700'
    const { facts, log } = await deleteKeys(keys)

    expect(facts.decisions).toMatchObject({ total: 1000, denied: 2 })
    expect(facts.decisions.first).toHaveLength(20)
    expect(facts.decisions.firstDenial).toMatchObject({ key: 'key-500' })
    expect(log).toMatchObject({ decisions: 1000, denials: 2, decision: 'deny', key: 'key-500' })
    expect(inspect(facts, { depth: null, maxArrayLength: null }).length).toBeLessThan(40_000)
  })

  it('the facts contain only the denial of the bucket if the caller may delete nothing in it', async () => {
    s3.allowBucket = () => false
    const { facts, status } = await deleteKeys(['a'])
    expect(status).toBe(403)
    expect(facts.decisions.firstDenial).toMatchObject({ action: 's3:DeleteObject', key: '' })
  })
})

describe('the facts of a request', () => {
  it('the facts contain no signature, secret key or token', async () => {
    const url = new URL('http://127.0.0.1:9000/photos/a?response-content-type=text/plain')
    const options = { region, service: 's3', nowMs: startMs, expiresSeconds: 60 } as const
    const withToken = { ...root, sessionToken: 'eyJ.a-session.token' }
    const [plain, tokened] = [root, withToken].map((credentials) =>
      presignUrl({ method: 'GET', url }, credentials, options),
    )
    const secrets = ['my-token', withToken.sessionToken, root.secretAccessKey]
    for (const presigned of [plain, tokened])
      secrets.push(presigned?.searchParams.get('X-Amz-Signature') ?? '')
    const send = (presigned: URL | undefined): Promise<Answer> =>
      s3.send('GET', presigned?.href.slice(url.origin.length) ?? '', { isAnonymous: true })
    const answers = [
      await s3.send('GET', '/photos/a', {
        headers: { 'x-my-token': 'my-token' },
        tamper: ({ authorization = '' }) => void secrets.push(authorization.slice(-64)),
      }),
      await send(plain),
      await send(tokened),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403])
    const said = answers
      .map(({ facts }) => {
        const conditions = facts.decisions.first.map((decision) => [...decision.conditions])
        return inspect([facts, conditions], { depth: null })
      })
      .join('\n')
    expect(said).toContain('response-content-type')
    expect(secrets.filter((secret) => secret === '' || said.includes(secret))).toEqual([])
  })
})
