/** Requests as stock clients send them, which S3 takes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHarness, type Answer, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness
beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  await s3.send('PUT', '/photos/a', { body: 'bytes', headers: { 'x-amz-meta-kept': 'yes' } })
})
afterEach(() => s3.close())

describe('a copy of an object onto itself', () => {
  const copy = (headers: Record<string, string>): Promise<Answer> =>
    s3.send('PUT', '/photos/a', { headers: { 'x-amz-copy-source': '/photos/a', ...headers } })

  it.each(['x-amz-storage-class: STANDARD', 'x-amz-checksum-algorithm: SHA256'])(
    'with %s keeps the bytes and the metadata',
    async (line) => {
      const [name = '', value = ''] = line.split(': ')
      expect((await copy({ [name]: value })).status).toBe(200)
      const got = await s3.send('GET', '/photos/a')
      expect([got.text, got.headers['x-amz-meta-kept']]).toEqual(['bytes', 'yes'])
    },
  )

  it('that changes nothing is refused by AWS’s sentence', async () => {
    const answer = await copy({})
    expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(answer.text).toContain('<Message>This copy request is illegal because it is trying')
    expect(answer.text).toContain('only with x-amz-metadata-directive: REPLACE</Reason>')
  })
})

it.each(['?list-type=2', '', '?versions'])(
  'GET /photos%s can ask whether archived objects are restored',
  async (query) => {
    const ask = (value: string): Promise<Answer> =>
      s3.send('GET', `/photos${query}`, { headers: { 'x-amz-optional-object-attributes': value } })
    expect((await ask('RestoreStatus')).status).toBe(200)
    expect(await ask('Nonsense')).toMatchObject({ status: 400, code: 'InvalidArgument' })
  },
)
